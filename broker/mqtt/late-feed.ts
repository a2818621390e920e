/** The public feed, loaded when somebody first asks for it: devices only publish. */
import type { OpenFeed } from './open-feed.ts';

/**
 * A feed that `load` makes once, at the first question; what is asked meanwhile is asked of it in
 * the same order when it is there. `failed` is told where it cannot be loaded or followed.
 */
export function createLateFeed(
  load: () => Promise<OpenFeed>,
  failed: (error: unknown) => void,
): OpenFeed {
  let loading: Promise<OpenFeed> | undefined;
  const feed = (): Promise<OpenFeed> => (loading ??= load());
  return {
    async *latest(query) {
      yield* (await feed()).latest(query);
    },
    follow(follower) {
      let isStopped = false;
      let following: { stop(): void } | undefined;
      feed()
        .then((loaded) => {
          if (!isStopped) following = loaded.follow(follower);
        })
        .catch(failed);
      return {
        stop() {
          isStopped = true;
          following?.stop();
        },
      };
    },
  };
}
