/** Whether there is a tray, for as long as the application runs: panels start late, crash and are replaced. */

export interface TrayWatch {
  /** Null until it was looked for. */
  hasTray(): boolean | null;
  look(): Promise<boolean>;
  stop(): void;
}

export interface TrayWatchDeps {
  readonly hasHost: () => Promise<boolean>;
  readonly onChange: (hasTray: boolean) => void;
}

const everyMs = 10_000;

export function watchTray({ hasHost, onChange }: TrayWatchDeps): TrayWatch {
  let known: boolean | null = null;
  let isStopped = false;

  async function look(): Promise<boolean> {
    const found = await hasHost();
    if (!isStopped && found !== known) {
      known = found;
      onChange(found);
    }
    return found;
  }

  void look();
  const timer = setInterval(() => void look(), everyMs).unref();
  return {
    hasTray: () => known,
    look,
    stop() {
      isStopped = true;
      clearInterval(timer);
    },
  };
}
