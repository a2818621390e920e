/**
 * `/ogc/`: stations and latest values for maps, by OGC API Features (17-069r4 with 18-058r1 for
 * coordinate systems) and OGC API Tiles (20-057). What a viewer may not see is in no feature, count,
 * extent or tile.
 */
import type { FastifyInstance } from 'fastify';

import type { ApiContext } from '../context.ts';
import { addAbout } from './about-routes.ts';
import { addItem, addItems } from './item-routes.ts';
import { addTiles } from './tile-routes.ts';

export function addMaps(app: FastifyInstance, context: ApiContext): void {
  addAbout(app, context);
  addItems(app, context);
  addItem(app, context);
  addTiles(app, context);
}
