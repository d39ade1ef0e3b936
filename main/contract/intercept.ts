/**
 * What the shell, the program inside a wrapped server's namespace and its interceptor agree on beside their channels: the destinations,
 * as the interceptor's last argument, and the messages between the two over Node's IPC.
 */
import { z } from 'zod';
import { headerNameSchema, isPlainHost } from './http.ts';

/** One word, as it stands alone or behind a scheme (RFC 9110 §11.4). */
export const placeholderSchema = z
  .string()
  .regex(/^[A-Za-z0-9._~+/-]{8,200}$/, 'expected 8 to 200 of letters, digits and ._~+/-');

const port = z.int().min(1).max(65_535);

/** None: there is no way to one here (level B of the server). */
export const interceptedSchema = z.strictObject({
  destinations: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z][a-z0-9-]{0,30}$/),
        host: z.string().refine(isPlainHost),
        port,
        /** Which the credential goes into; null: nobody signs in there. */
        header: headerNameSchema.nullable(),
        placeholder: placeholderSchema.optional(),
      }),
    )
    .max(16),
});
export type Intercepted = z.infer<typeof interceptedSchema>;

/** From inside, with the listening socket: once a port. */
export const listenerMessageSchema = z.strictObject({ listener: port });

/** To the inside, after the last listener: what the server is to trust, PEM. Then both end the channel. */
export const authorityMessageSchema = z.strictObject({ authority: z.string().max(16_384) });
