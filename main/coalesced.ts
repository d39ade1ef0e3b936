/** Work that many events ask for: at most one run at a time, and one more after the last event. */
export function createCoalesced(work: () => Promise<void>): () => void {
  let running = false;
  const state = { asked: false };

  async function run(): Promise<void> {
    running = true;
    while (state.asked) {
      state.asked = false;
      await work().catch(() => undefined);
    }
    running = false;
  }

  return () => {
    state.asked = true;
    if (!running) void run();
  };
}
