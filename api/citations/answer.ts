/** The answer that is to be cited, and who sees it so: nobody in particular wherever that can be. */
import type { FastifyInstance } from 'fastify';

import type { ApiContext } from '../context.ts';
import { apiError } from '../errors.ts';
import { anonymousViewer, type Viewer } from '../viewer.ts';
import { ask, type Asked, type Caller, type Question, type Refusal } from './ask.ts';
import { subjectOf } from './subject.ts';

interface Wish {
  readonly app: FastifyInstance;
  readonly viewer: Viewer;
  readonly caller: Caller;
}

export interface ReadAnswer {
  readonly viewer: Viewer;
  readonly asked: Asked;
}

/** The registry may change while a question is answered. */
const triesMax = 3;

/**
 * What is all open is cited as everybody sees it, so that it is there for everybody; what nobody
 * in particular is refused, or is not all open, as the viewer sees it.
 */
export async function readAnswer(
  context: ApiContext,
  wish: Wish,
  question: Question,
): Promise<ReadAnswer | Refusal> {
  if (isOpen(context, wish.viewer, question)) {
    const read = await readAs(context, { ...wish, viewer: anonymousViewer }, question);
    if (!('status' in read) || read.status === 429 || read.status >= 500) return read;
  }
  return readAs(context, wish, question);
}

async function readAs(
  context: ApiContext,
  { app, viewer, caller }: Wish,
  question: Question,
): Promise<ReadAnswer | Refusal> {
  const { citationBytesMax: bytesMax } = context.config;
  const isAnonymous = viewer.principal === 'anonymous';
  for (let tries = 0; tries < triesMax; tries++) {
    const { version } = context.networks;
    const asked = await ask(question, {
      app,
      caller: isAnonymous ? { ...caller, authorization: undefined } : caller,
      now: context.clock.now(),
      bytesMax,
    });
    if ('status' in asked) return asked;
    // Who may see it is told by the network that it was read of.
    if (context.networks.version === version) return { viewer, asked };
  }
  throw apiError('API_UNAVAILABLE');
}

function isOpen(context: ApiContext, viewer: Viewer, question: Question): boolean {
  const { networks, config } = context;
  const open = networks.viewOf(anonymousViewer);
  const { series } = subjectOf(networks.viewOf(viewer), question, config.valuesPerParameterMax);
  return series.every(({ id }) => {
    const datastream = open.registry.datastreams.get(id);
    return datastream !== undefined && open.sees(datastream.series);
  });
}
