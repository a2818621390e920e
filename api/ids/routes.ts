/**
 * `/id/{kind}/{id}` names a thing; `/doc/{kind}/{id}.vi.html`, `.en.html` and `.jsonld` are documents
 * about it. The name is answered 303 to the document that suits who asks: a station is no document,
 * and what is said of the one (its licence, its date) must not be said of the other (W3C "Cool URIs
 * for the Semantic Web" §4.2). Documents have an address for each form, so that they are cached and
 * shared as they are, and no answer but the short 303 depends on Accept and Accept-Language.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { answerText } from '../catalogue/answer-text.ts';
import { chooseType } from '../catalogue/accept.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import type { CatalogueRoutes } from '../catalogue/routes.ts';
import { absoluteBase } from '../catalogue/uris.ts';
import { chooseLanguage, languages } from '../charts/words.ts';
import type { ApiContext } from '../context.ts';
import { sendElsewhere } from '../elsewhere.ts';
import { apiError, badParameter } from '../errors.ts';
import { viewerOf } from '../viewer.ts';
import type { Language } from '../page-words.ts';
import { contentsOf } from './contents.ts';
import { datasetPage, distributionPage, servicePage } from './dataset-pages.ts';
import { html } from './html.ts';
import type { Telling } from './latest-values.ts';
import { linkedThing } from './linked-thing.ts';
import { pageText } from './page.ts';
import {
  datastreamPage,
  flagPage,
  licencePage,
  ownerPage,
  propertyPage,
  stationPage,
  unitPage,
  type Content,
} from './pages.ts';
import { style } from './style.ts';
import { findThing, type Thing } from './thing.ts';
import { sayOn } from './words.ts';

const htmlType = 'text/html; charset=utf-8';
const linkedType = 'application/ld+json; charset=utf-8';

/** People ask for HTML by name; whoever takes anything is a program. */
const offered = [
  ['jsonld', 'application/ld+json'],
  ['jsonld', 'application/json'],
  ['html', 'text/html'],
  ['html', 'application/xhtml+xml'],
] as const;

export function addIds(app: FastifyInstance, routes: CatalogueRoutes): void {
  const { context, catalogue } = routes;
  const hidden = { schema: { hide: true } };
  app.get('/id/:kind/:id', hidden, (request, reply) =>
    seeOther(context, catalogue, request, reply),
  );
  app.get('/doc/:kind/:file', hidden, (request, reply) => answerDocument(routes, request, reply));
  for (const path of ['/doc', '/doc/']) {
    app.get(path, hidden, (request, reply) => seeContents(context, request, reply));
  }
  for (const language of languages) {
    app.get(`/doc/contents.${language}.html`, hidden, (request, reply) =>
      answerContents(context, request, reply, language),
    );
  }
  app.get('/doc/style.css', hidden, (request, reply) =>
    answerText(context, request, reply, {
      viewer: viewerOf(context.registry, undefined),
      mediaType: 'text/css; charset=utf-8',
      text: style,
    }),
  );
}

interface Asked {
  readonly kind: string;
  readonly slug: string;
}

function seeOther(
  context: ApiContext,
  catalogue: Catalogue,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { kind, id: slug } = request.params as { readonly kind: string; readonly id: string };
  const language = chooseLanguage(readLanguage(request), request.headers['accept-language']);
  const form = chooseType(request.headers.accept, offered);
  reply.header('vary', 'accept, accept-language, authorization');
  const base = absoluteBase(context, request);
  const viewer = viewerOf(context.registry, request.headers.authorization);
  const thing = findThing(context.networks.viewOf(viewer), { kind, slug }, catalogue);
  if (thing === undefined) return answerUnknown(reply, { form, language, base });
  const isPublic = viewer.principal === 'anonymous';
  const age = `max-age=${context.config.cacheSecondsMax}`;
  const forms = formsOf(thing, { kind, slug }, base);
  return reply
    .header('cache-control', `${isPublic ? 'public' : 'private'}, ${age}`)
    .redirect(form === 'html' ? forms[language] : forms.jsonld, 303);
}

function contentsForms(base: string) {
  const file = `${base}/doc/contents`;
  return { vi: `${file}.vi.html`, en: `${file}.en.html`, jsonld: `${base}/catalog.jsonld` };
}

function seeContents(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const language = chooseLanguage(readLanguage(request), request.headers['accept-language']);
  const form = chooseType(request.headers.accept, offered);
  const forms = contentsForms(absoluteBase(context, request));
  return reply
    .header('vary', 'accept, accept-language')
    .header('cache-control', `public, max-age=${context.config.cacheSecondsMax}`)
    .redirect(form === 'html' ? forms[language] : forms.jsonld, 303);
}

function answerContents(
  context: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  language: Language,
): FastifyReply {
  const base = absoluteBase(context, request);
  const viewer = viewerOf(context.registry, request.headers.authorization);
  const view = context.networks.viewOf(viewer);
  const text = pageText({
    language,
    base,
    title: sayOn(language, 'contents'),
    otherTitle: sayOn(language === 'vi' ? 'en' : 'vi', 'contents'),
    content: contentsOf({ view, language, base }),
    forms: contentsForms(base),
    isAmongKinds: true,
  });
  reply.header('content-language', language);
  return answerText(context, request, reply, { viewer, mediaType: htmlType, text });
}

function readLanguage(request: FastifyRequest): Language | undefined {
  const { lang } = request.query as { readonly lang?: unknown };
  if (lang === undefined) return undefined;
  const found = languages.find((each) => each === lang);
  if (found === undefined) throw badParameter('lang', languages.join(', '));
  return found;
}

/** What the catalogue describes is told to programs in DCAT, where it is. */
function formsOf(thing: Thing, { kind, slug }: Asked, base: string) {
  const file = `${base}/doc/${kind}/${encodeURIComponent(slug)}`;
  const pages = { vi: `${file}.vi.html`, en: `${file}.en.html` };
  if (thing.kind === 'service') return { ...pages, jsonld: `${base}/catalog.jsonld` };
  if (thing.kind === 'dataset' || thing.kind === 'distribution') {
    const dataset = encodeURIComponent(thing.item.id);
    return { ...pages, jsonld: `${base}/api/v1/datasets/${dataset}/dcat.jsonld` };
  }
  return { ...pages, jsonld: `${file}.jsonld` };
}

/** What is hidden is answered as what does not exist: nothing in it depends on what was asked for. */
function answerUnknown(
  reply: FastifyReply,
  asked: { readonly form: 'html' | 'jsonld'; readonly language: Language; readonly base: string },
): FastifyReply {
  if (asked.form === 'jsonld') throw apiError('API_NOT_FOUND');
  const { language, base } = asked;
  const text = pageText({
    language,
    base,
    title: sayOn(language, 'unknown'),
    content: html`<p>${sayOn(language, 'unknownText')}</p> `,
  });
  return reply.code(404).header('content-type', htmlType).send(text);
}

async function answerDocument(
  { context, catalogue, isPublishing }: CatalogueRoutes,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { kind, file } = request.params as { readonly kind: string; readonly file: string };
  const [, slug = '', suffix = ''] = /^(.*)\.(vi\.html|en\.html|jsonld)$/s.exec(file) ?? [];
  if (suffix === '') throw apiError('API_NOT_FOUND');
  const base = absoluteBase(context, request);
  const viewer = viewerOf(context.registry, request.headers.authorization);
  const view = context.networks.viewOf(viewer);
  const language = suffix.startsWith('en') ? 'en' : 'vi';
  const form = suffix === 'jsonld' ? 'jsonld' : 'html';
  const thing = findThing(view, { kind, slug }, catalogue);
  if (thing === undefined) return answerUnknown(reply, { form, language, base });
  const forms = formsOf(thing, { kind, slug }, base);
  const link = `<${base}/id/${kind}/${encodeURIComponent(slug)}>; rel="describes"`;
  if (form === 'jsonld') {
    if (thing.kind === 'dataset' || thing.kind === 'distribution' || thing.kind === 'service') {
      return reply.redirect(forms.jsonld, 303);
    }
    const text = linkedThing(view, thing, { base, address: forms.jsonld });
    return answerText(context, request, reply, { viewer, mediaType: linkedType, text, link });
  }
  // Its files are known where they are made.
  if (thing.kind === 'dataset' && !isPublishing) return sendElsewhere(context, request, reply);
  const told = await tell(context, catalogue, thing, { view, language, base });
  if (told === undefined) return answerUnknown(reply, { form, language, base });
  const text = pageText({ ...told, language, base, forms });
  reply.header('content-language', language);
  return answerText(context, request, reply, { viewer, mediaType: htmlType, text, link });
}

/** Undefined of a distribution that its dataset does not have. */
async function tell(
  context: ApiContext,
  catalogue: Catalogue,
  thing: Thing,
  telling: Telling,
): Promise<Content | undefined> {
  switch (thing.kind) {
    case 'station':
      return stationPage(context, thing, telling);
    case 'datastream':
      return datastreamPage(context, thing, telling);
    case 'owner':
      return ownerPage(thing, telling);
    case 'property':
      return propertyPage(thing, telling);
    case 'unit':
      return unitPage(thing, telling);
    case 'flag':
      return flagPage(thing, telling);
    case 'licence':
      return licencePage(thing, telling);
    case 'service':
      return servicePage(thing.service, telling);
    case 'dataset':
    case 'distribution': {
      await catalogue.follow();
      const entry = await catalogue.describe(telling.view, thing.item, telling.base);
      if (thing.kind === 'dataset') return datasetPage(context, entry, telling);
      const found = entry.distributions.find(({ id }) => id === thing.id);
      return found && distributionPage(entry, found, telling);
    }
  }
}
