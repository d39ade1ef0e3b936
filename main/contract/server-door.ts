/** The way of a wrapped server to its destinations, seen from inside its namespaces: what the program that opens it is told, and what lies there. */

export interface DoorOrder {
  /** Of the server's own loopback. */
  readonly ports: readonly number[];
  /** Names that mean this loopback in there. */
  readonly hosts: readonly string[];
  /** What it becomes, and with which environment: nothing of that is there before. */
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
}

/** A small world of our own in there, beside what it was granted. */
export const doorFiles = {
  folder: '/sallyport',
  runtime: '/sallyport/node',
  program: '/sallyport/door.mjs',
  authority: '/sallyport/authority.pem',
  hosts: '/sallyport/hosts',
  names: '/sallyport/nsswitch.conf',
} as const;
