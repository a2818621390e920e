/**
 * The ledger: what was sent, and what the server has promised to keep. It lives outside the server's
 * process and decides, after any number of kills, whether the promise held.
 */

/** State of one message. An acknowledged one is an obligation of the server. */
export const sent = 1;
export const acknowledged = 2;

export interface DeviceLedger {
  readonly deviceId: string;
  /** Phenomenon time of each message, ms UTC, ascending. */
  readonly at: number[];
  /** Line of the payload file of each message. */
  readonly line: number[];
  readonly state: number[];
}

export interface LedgerTotals {
  readonly sent: number;
  readonly acknowledged: number;
}

export class Ledger {
  readonly devices: readonly DeviceLedger[];
  #sent = 0;
  #acknowledged = 0;

  constructor(deviceIds: readonly string[]) {
    this.devices = deviceIds.map((deviceId) => ({ deviceId, at: [], line: [], state: [] }));
  }

  /** Number of the message in its device's ledger. */
  enter(device: number, at: number, line: number): number {
    const ledger = this.devices[device] as DeviceLedger;
    ledger.at.push(at);
    ledger.line.push(line);
    this.#sent += 1;
    return ledger.state.push(sent) - 1;
  }

  acknowledge(device: number, message: number): void {
    const ledger = this.devices[device] as DeviceLedger;
    if (ledger.state[message] === acknowledged) return;
    ledger.state[message] = acknowledged;
    this.#acknowledged += 1;
  }

  /** Time for a next message of the device: now, but never a time it has used. */
  nextAt(device: number, now: number): number {
    return Math.max(now, (this.devices[device]?.at.at(-1) ?? 0) + 1);
  }

  totals(): LedgerTotals {
    return { sent: this.#sent, acknowledged: this.#acknowledged };
  }
}
