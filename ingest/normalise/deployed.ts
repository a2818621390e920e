import type { ChannelBinding } from '../../devices/registry.ts';

/** Start of the first deployment: no device measured through the channel before it. */
export function firstDeployedAt(bindings: readonly ChannelBinding[]): number {
  let firstAt = Number.POSITIVE_INFINITY;
  for (const { deployment } of bindings) {
    if (deployment.fromAt < firstAt) firstAt = deployment.fromAt;
  }
  return firstAt;
}

/** The latest begun of the deployments in force at the end of a measurement. */
export function deployedAt(
  bindings: readonly ChannelBinding[],
  endAt: number,
): ChannelBinding | undefined {
  let found: ChannelBinding | undefined;
  for (const binding of bindings) {
    if (!isInForce(binding, endAt)) continue;
    if (found === undefined || binding.deployment.fromAt > found.deployment.fromAt) found = binding;
  }
  return found;
}

/** An interval that ends as the deployment ends was measured by it. */
function isInForce({ deployment, datastream }: ChannelBinding, endAt: number): boolean {
  const { fromAt, toAt } = deployment;
  if (endAt < fromAt) return false;
  if (toAt === undefined || endAt < toAt) return true;
  return (
    endAt === toAt && datastream.aggregation !== 'instant' && datastream.aggregation !== 'counter'
  );
}
