/** `@20minutes/s3rver` has no types: what the lab uses of it. */
declare module '@20minutes/s3rver' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  interface StoredObject {
    readonly bucket: string;
    readonly key: string;
    readonly content: Buffer;
    readonly metadata: Readonly<Record<string, string>>;
  }

  export default class S3rver {
    constructor(options: { readonly directory: string; readonly silent: boolean; readonly vhostBuckets: boolean });
    readonly store: {
      putBucket(name: string): Promise<unknown>;
      putObject(object: StoredObject): Promise<unknown>;
    };
    callback(): (req: IncomingMessage, res: ServerResponse) => Promise<void>;
  }
}
