/**
 * Submits datasets to a CKAN by its action API: `package_show`, `package_create`, `package_update`,
 * `package_delete`. What makes a dataset one there is its name, which CKAN keeps unique; that it is
 * ours, an extra with its address. Whatever got lost on the way, the next try finds what is there.
 */
import type { Entry } from '../catalogue/entry.ts';
import { uriOf } from '../catalogue/uris.ts';
import { apiError } from '../errors.ts';
import type { CkanAnswer, CkanCall } from './ckan-call.ts';
import {
  ckanNameThere,
  hashExtra,
  submissionOf,
  uriExtra,
  type CkanPlace,
  type CkanSubmission,
} from './ckan-package.ts';
import type { Description, PortalAdapter, Submitted } from './portal.ts';

export function createCkanAdapter(call: CkanCall, place: CkanPlace): PortalAdapter {
  return {
    kind: 'ckan',
    describe: (entry: Entry) => ({ entry, hash: submissionOf(entry, place).hash }),
    put: (description) => put(call, description, place),
    withdraw: (dataset) => withdraw(call, dataset, place),
  };
}

async function put(call: CkanCall, { entry }: Description, place: CkanPlace): Promise<Submitted> {
  const { submission, hash } = submissionOf(entry, place);
  const there = await show(call, submission.name, entry.uri);
  if (there === undefined) return create(call, submission);
  if (there.hash === hash && there.state === 'active') {
    return { action: 'unchanged', remoteId: there.id, answer: there.text };
  }
  const answer = await call('package_update', { id: there.id, ...submission });
  const updated = readPackage(requireDone(answer, 'package_update'), submission.name);
  return { action: 'changed', remoteId: updated.id, answer: updated.text };
}

async function create(call: CkanCall, submission: CkanSubmission): Promise<Submitted> {
  const answer = await call('package_create', submission);
  // An earlier call whose answer was late may have made it meanwhile: the next try looks again.
  if (answer.outcome === 'invalid' && /already in use|already exists/i.test(answer.text)) {
    throw apiError('API_PORTAL_AWAY', { action: 'package_create', answer: answer.text });
  }
  const created = readPackage(requireDone(answer, 'package_create'), submission.name);
  return { action: 'created', remoteId: created.id, answer: created.text };
}

async function withdraw(call: CkanCall, dataset: string, place: CkanPlace): Promise<Submitted> {
  const name = ckanNameThere(dataset, place.namePrefix);
  const there = await show(call, name, uriOf(place.base, 'dataset', dataset));
  if (there === undefined || there.state === 'deleted') {
    const answer = there?.text ?? 'There is no such package.';
    return { action: 'withdrawn', remoteId: there?.id ?? null, answer };
  }
  const answer = await call('package_delete', { id: there.id });
  // Somebody else has been faster: what was wanted is so.
  if (answer.outcome === 'invalid') throw refused('package_delete', answer.text);
  return { action: 'withdrawn', remoteId: there.id, answer: answer.text };
}

interface Package {
  readonly id: string;
  readonly state: string;
  readonly hash: string | undefined;
  readonly uri: string | undefined;
  readonly text: string;
}

/** Undefined where there is none; rejects API_PORTAL_REFUSED where it is somebody else's. */
async function show(call: CkanCall, name: string, uri: string): Promise<Package | undefined> {
  const answer = await call('package_show', { id: name });
  if (answer.outcome === 'unknown') return undefined;
  const found = readPackage(requireDone(answer, 'package_show'), name);
  if (found.uri !== uri) {
    throw refused('package_show', `The name ${name} is that of a package that is not ours.`);
  }
  return found;
}

type Done = Extract<CkanAnswer, { readonly outcome: 'done' }>;

function requireDone(answer: CkanAnswer, action: string): Done {
  if (answer.outcome === 'done') return answer;
  if (answer.outcome === 'invalid') throw refused(action, answer.text);
  throw apiError('API_PORTAL_AWAY', { action, answer: answer.text });
}

function refused(action: string, answer: string): Error {
  return apiError('API_PORTAL_REFUSED', { action, answer });
}

/** What is not the package that was asked for was not understood, so it is no receipt. */
function readPackage({ result, text }: Done, name: string): Package {
  const { id, name: of, state = 'active', extras } = (result ?? {}) as Record<string, unknown>;
  if (typeof id !== 'string' || of !== name) {
    throw apiError('API_PORTAL_AWAY', { reason: 'an answer about something else', answer: text });
  }
  const entries = (Array.isArray(extras) ? extras : []) as { key?: unknown; value?: unknown }[];
  const extra = (key: string) => {
    const value = entries.find((each) => each.key === key)?.value;
    return typeof value === 'string' ? value : undefined;
  };
  return { id, state: String(state), hash: extra(hashExtra), uri: extra(uriExtra), text };
}
