/** Last wills (§3.1.2.5): kept as control like any state of a device, then routed. */
import type { Requester } from '../authorize.ts';
import { isWillAllowed } from './admission.ts';
import type { Will } from './connect.ts';
import type { MqttContext } from './context.ts';
import { routeControl } from './inbound.ts';

/** The connection ended without DISCONNECT (MQTT-3.1.2-8). Rights are those of now. */
export function fireWill(context: MqttContext, requester: Requester, will: Will): void {
  const right = context.authorizer.publish(requester, will.topic);
  if (right === undefined || !isWillAllowed(context, requester, will)) {
    context.events.willFired('denied');
    return;
  }
  const { topic, payload, qos, retain } = will;
  const lane = context.receiver.lane((_token, error) => {
    context.events.willFired(error === null ? 'kept' : 'failed');
    if (error !== null || right.purpose !== 'control') return;
    routeControl(context, { right, topic, payload, qos, retain });
  });
  const receivedAt = context.clock.now();
  lane.receive(
    { kind: 'control', door: 'mqtt', receivedAt, device: right.device, topic, payload },
    0,
  );
}
