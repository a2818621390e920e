/** A load balancer as strangers meet it: each request goes to the next node, another one where that is down. */
import {
  createServer,
  request as ask,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Balancer {
  readonly url: string;
  /** Base addresses; none at first. */
  targets: readonly string[];
  /** Requests by target. */
  readonly taken: ReadonlyMap<string, number>;
  close(): void;
}

export async function openBalancer(): Promise<Balancer> {
  const taken = new Map<string, number>();
  let turn = 0;
  const server: Server = createServer((asked, answer) => {
    const body: Buffer[] = [];
    asked.on('data', (part: Buffer) => body.push(part));
    asked.on('error', () => answer.destroy());
    asked.on('end', () => {
      turn += 1;
      pass({ asked, answer, body: Buffer.concat(body), tries: 0 });
    });
  });

  function pass(one: Passing): void {
    const { asked, answer, body, tries } = one;
    const { targets } = balancer;
    const target = targets[(turn + tries) % targets.length];
    if (target === undefined || tries >= targets.length) {
      answer.writeHead(502).end();
      return;
    }
    const { hostname, port } = new URL(target);
    const { method, url: path, headers } = asked;
    const passed = ask({ hostname, port, method, path, headers }, (given) => {
      taken.set(target, (taken.get(target) ?? 0) + 1);
      answer.writeHead(given.statusCode ?? 502, given.headers);
      given.pipe(answer);
      // Cut where the node was cut: half an answer is never ended for it.
      given.on('error', () => answer.destroy());
      answer.on('close', () => passed.destroy());
    });
    passed.on('error', () => {
      if (answer.headersSent) answer.destroy();
      else pass({ ...one, tries: tries + 1 });
    });
    passed.end(body);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const balancer: Balancer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    targets: [],
    taken,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return balancer;
}

interface Passing {
  readonly asked: IncomingMessage;
  readonly answer: ServerResponse;
  readonly body: Buffer;
  /** Targets that did not answer. */
  readonly tries: number;
}
