/** What every registry promises about recipients, grants and embargoes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Datastream } from '../model.ts';
import type { Credential, Registry } from '../registry.ts';
import { visibilityOf, visible } from '../visible.ts';
import { wholeNetwork } from './fixture.ts';
import { nextMoment, ruleActor } from './time-rule.ts';
import { accepted, type RegistryUnderTest } from './under-test.ts';

const dayMs = 86_400_000;

const reader = (recipient?: string): Credential => ({
  kind: 'token',
  subject: 'token-1',
  role: 'reader',
  ...(recipient === undefined ? {} : { recipient }),
});

/** A closed station of the plant, and two recipients who were granted nothing yet. */
const network = {
  ...wholeNetwork(),
  owners: wholeNetwork().owners.map(({ embargoUntil: _until, ...owner }) => owner),
  stations: wholeNetwork().stations.map(({ embargoUntil: _until, ...station }) => ({
    ...station,
    visibility: 'recipients' as const,
  })),
  datastreams: wholeNetwork().datastreams.map(
    ({ visibility: _none, embargoUntil: _until, ...rest }) => rest,
  ),
  grants: [],
};

function datastreamOf(registry: Registry, id: string): Datastream {
  const found = registry.datastreams.get(id);
  if (found === undefined) throw new Error(`no datastream ${id}`);
  return found;
}

export function accessContract(openEmpty: () => RegistryUnderTest): void {
  let registry: RegistryUnderTest;
  beforeEach(() => {
    registry = openEmpty();
    accepted(registry.writer.importFile(network, 'ann'));
  });
  afterEach(() => {
    registry.writer.close();
    registry.remove();
  });

  const sees = (recipient: string | undefined, datastream = 'outlet.nitrate'): boolean => {
    const current = registry.writer.current();
    return visible(reader(recipient), datastreamOf(current, datastream), current);
  };
  const ask = (id: string, more: object = {}) =>
    registry.writer.requestAccess({
      id,
      recipient: 'health-institute',
      scope: { stations: ['outlet'] },
      purpose: 'Drinking water',
      requestedBy: 'token-1',
      deadlineAt: registry.clock.now() + 10 * dayMs,
      ...more,
    });
  const grant = (id: string, more: object = {}) =>
    registry.writer.decideAccess({
      id,
      decision: 'grant',
      reason: 'A lawful duty',
      actor: 'ann',
      ...more,
    });
  const coded = (code: string) => expect.objectContaining({ code });

  describe('a grant', () => {
    it('opens what it names to its recipient from the decision on, and to nobody else', () => {
      ask('request-1');
      expect(sees('health-institute')).toBe(false);
      expect(grant('request-1')).toMatchObject({
        state: 'granted',
        recipient: 'health-institute',
        decidedBy: 'ann',
        reason: 'A lawful duty',
      });
      expect(sees('health-institute')).toBe(true);
      expect(sees('health-institute', 'da-lat.pressure')).toBe(false);
      expect(sees('health-ministry')).toBe(false);
      expect(sees(undefined)).toBe(false);
    });

    it('covers only what is in all of its lists', () => {
      ask('request-1', { scope: { owners: ['plant', 'ministry'], properties: ['air-pressure'] } });
      grant('request-1');
      expect(sees('health-institute', 'da-lat.pressure')).toBe(true);
      expect(sees('health-institute', 'da-lat.temperature')).toBe(false);
      expect(sees('health-institute', 'outlet.nitrate')).toBe(false);
    });

    it('never opens what is internal', () => {
      ask('request-1');
      grant('request-1');
      const [, outlet] = network.stations;
      const internal = { ...network, stations: [{ ...outlet, visibility: 'internal' }] };
      accepted(registry.writer.importFile(internal, 'ann'));
      expect(sees('health-institute')).toBe(false);
    });

    it('begins and ends by itself: each a version of its own, and none while nothing is due', () => {
      const now = registry.clock.now();
      ask('request-1');
      grant('request-1', { fromAt: now + dayMs, untilAt: now + 2 * dayMs });
      const { version } = registry.writer.current();
      expect(nextMoment(registry.writer.current())).toBe(now + dayMs);
      registry.clock.advance(dayMs - 1);
      expect(registry.writer.followTime(ruleActor)).toBe(false);
      expect([registry.writer.current().version, sees('health-institute')]).toEqual([
        version,
        false,
      ]);
      registry.clock.advance(1);
      expect(registry.writer.followTime(ruleActor)).toBe(true);
      expect([registry.writer.current().version, sees('health-institute')]).toEqual([
        version + 1,
        true,
      ]);
      expect(registry.writer.followTime(ruleActor)).toBe(false);
      registry.clock.advance(dayMs);
      expect(registry.writer.followTime(ruleActor)).toBe(true);
      expect(sees('health-institute')).toBe(false);
      const [last] = registry.writer.history({ afterVersion: version + 1 });
      expect(last).toMatchObject({
        actor: ruleActor,
        kind: 'grant',
        id: 'request-1',
        before: { state: 'granted' },
        after: { state: 'expired', decidedBy: 'ann' },
      });
      expect(nextMoment(registry.writer.current())).toBe(Infinity);
    });

    it('is withdrawn with its reason, and cannot be granted again', () => {
      ask('request-1');
      grant('request-1');
      registry.writer.withdrawAccess('request-1', 'The purpose is over', 'bob');
      expect(sees('health-institute')).toBe(false);
      expect(() => grant('request-1')).toThrow(coded('DEVICES_GRANT_STATE'));
      expect(() => registry.writer.withdrawAccess('request-1', 'again', 'bob')).toThrow(
        coded('DEVICES_GRANT_STATE'),
      );
      expect(registry.writer.history().at(-1)).toMatchObject({
        actor: 'bob',
        kind: 'grant',
        after: { state: 'withdrawn', reason: 'The purpose is over' },
      });
    });

    it('is made without a request in one version', () => {
      const { version } = registry.writer.current();
      registry.writer.grantAccess(
        {
          id: 'grant-1',
          recipient: 'health-ministry',
          scope: { datastreams: ['outlet.nitrate'] },
          purpose: 'By law',
          requestedBy: 'ann',
        },
        { reason: 'By law', actor: 'ann' },
      );
      expect(registry.writer.current().version).toBe(version + 1);
      expect(sees('health-ministry')).toBe(true);
      const earlier = registry.openReader().at(version);
      expect(
        visible(reader('health-ministry'), datastreamOf(earlier, 'outlet.nitrate'), earlier),
      ).toBe(false);
    });

    it('of what does not exist is refused; a request for it is taken like any other', () => {
      ask('request-1', { scope: { stations: ['nowhere'] } });
      expect(() => grant('request-1')).toThrow(coded('DEVICES_GRANT_SCOPE'));
      const refused = {
        id: 'request-1',
        decision: 'refuse',
        reason: 'None',
        actor: 'ann',
      } as const;
      expect(registry.writer.decideAccess(refused)).toMatchObject({ state: 'refused' });
    });
  });

  describe('a request', () => {
    it('expires by itself at its deadline', () => {
      ask('request-1');
      registry.clock.advance(10 * dayMs);
      expect(registry.writer.followTime(ruleActor)).toBe(true);
      expect(registry.writer.current().access.grants.get('request-1')).toMatchObject({
        state: 'expired',
        decidedBy: ruleActor,
      });
      expect(() => grant('request-1')).toThrow(coded('DEVICES_GRANT_STATE'));
    });

    it('of somebody who is no recipient is granted to the recipient that the decision names', () => {
      const applicant = { name: 'A firm', kind: 'enterprise', contact: 'office@example.com' };
      ask('request-1', { recipient: undefined, applicant });
      expect(() => grant('request-1')).toThrow(coded('DEVICES_GRANT_RECIPIENT'));
      expect(() => grant('request-1', { recipient: 'nobody' })).toThrow(
        coded('DEVICES_RECIPIENT_UNKNOWN'),
      );
      grant('request-1', { recipient: 'health-ministry' });
      expect(sees('health-ministry')).toBe(true);
    });

    it('is refused while as many as may wait are waiting, and changes nothing then', () => {
      const bounds = { openMax: 1, applicantsPerDayMax: 1 };
      const applicant = { name: 'A firm', kind: 'enterprise', contact: 'office@example.com' };
      ask('request-1', { recipient: undefined, applicant, bounds });
      expect(() => ask('request-2', { recipient: undefined, applicant, bounds })).toThrow(
        coded('DEVICES_REQUESTS_FULL'),
      );
      ask('request-2', { bounds });
      const { version } = registry.writer.current();
      expect(() => ask('request-3', { bounds })).toThrow(coded('DEVICES_REQUESTS_FULL'));
      expect(registry.writer.current().version).toBe(version);
    });
  });

  describe('a recipient that is closed', () => {
    it('loses every grant, request and key in one version', () => {
      ask('request-1');
      grant('request-1');
      ask('request-2');
      const wanted = { role: 'reader', recipient: 'health-institute', actor: 'ann' } as const;
      const { secret } = registry.writer.createToken(wanted);
      expect(registry.writer.authenticateToken(secret)).toMatchObject({
        recipient: 'health-institute',
      });
      const { version } = registry.writer.current();
      expect(registry.writer.closeRecipient('health-institute', 'Dissolved', 'ann')).toEqual({
        grants: 2,
        keys: 1,
      });
      expect(registry.writer.current().version).toBe(version + 1);
      expect(registry.writer.authenticateToken(secret)).toBeUndefined();
      expect(sees('health-institute')).toBe(false);
    });

    it('had to exist, and so has the recipient of a key, which reads only', () => {
      const { writer } = registry;
      const unknown = coded('DEVICES_RECIPIENT_UNKNOWN');
      expect(() => writer.closeRecipient('nobody', 'x', 'ann')).toThrow(unknown);
      expect(() =>
        writer.createToken({ role: 'reader', recipient: 'nobody', actor: 'ann' }),
      ).toThrow(unknown);
      expect(() =>
        writer.createToken({ role: 'operator', recipient: 'health-ministry', actor: 'ann' }),
      ).toThrow(coded('DEVICES_TOKEN_ROLE'));
    });
  });

  describe('an embargo', () => {
    const open = (embargoUntil: string) => ({
      ...network,
      stations: [{ ...network.stations[1], visibility: 'open' as const, embargoUntil }],
    });
    const shown = () => {
      const current = registry.writer.current();
      return visibilityOf(current, datastreamOf(current, 'outlet.nitrate'));
    };

    it('keeps what is open for recipients until it ends, which is a version', () => {
      const now = registry.clock.now();
      accepted(registry.writer.importFile(open(new Date(now + dayMs).toISOString()), 'ann'));
      expect(shown()).toBe('recipients');
      registry.clock.advance(dayMs);
      expect(shown()).toBe('recipients');
      registry.writer.followTime(ruleActor);
      expect(shown()).toBe('open');
    });

    it('that is over when it is imported never held, and a second import changes nothing', () => {
      const file = open(new Date(registry.clock.now() - dayMs).toISOString());
      accepted(registry.writer.importFile(file, 'ann'));
      expect(shown()).toBe('open');
      expect(accepted(registry.writer.importFile(file, 'ann')).changed).toBe(0);
      expect(registry.writer.followTime(ruleActor)).toBe(false);
    });
  });

  it('an export holds recipients and grants, and gives the same access elsewhere', () => {
    ask('request-1');
    grant('request-1', { untilAt: registry.clock.now() + dayMs });
    const other = openEmpty();
    try {
      accepted(other.writer.importFile(registry.writer.exportFile(), 'bob'));
      const there = other.writer.current();
      expect(
        visible(reader('health-institute'), datastreamOf(there, 'outlet.nitrate'), there),
      ).toBe(true);
      expect(other.writer.exportFile()).toEqual(registry.writer.exportFile());
    } finally {
      other.writer.close();
      other.remove();
    }
  });
}
