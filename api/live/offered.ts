/** What a client offers as subprotocols of a WebSocket (RFC 6455 §4.1). */
/** A browser can set no header on a WebSocket: there a key comes as an offered subprotocol. */
const keyProtocol = 'quantrac.key.';

/** The key among the offered subprotocols, as an Authorization header would carry it. */
export function offeredAuthorization(offered: string | undefined): string | undefined {
  const key = protocolsOf(offered).find((each) => each.startsWith(keyProtocol));
  return key === undefined ? undefined : `Bearer ${key.slice(keyProtocol.length)}`;
}

export function protocolsOf(offered: string | undefined): string[] {
  return (offered ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}
