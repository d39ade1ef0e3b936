/**
 * Session tokens as AWS's are: opaque, and all that another service needs to know of a session, sealed with a key that only the lab's STS
 * and S3 have. So neither asks the other, and a token that anybody made is none.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { z } from 'zod';

const sessionSchema = z.strictObject({
  accessKeyId: z.string(),
  secretKey: z.string(),
  arn: z.string(),
  id: z.string(),
  /** Whom the provider's token named, not what the caller named the session. */
  username: z.string(),
  /** JSON of a session policy. */
  policy: z.string().optional(),
  expiresAt: z.int(),
});
export type LabSession = z.infer<typeof sessionSchema>;

export interface SessionTokens {
  seal(session: LabSession): string;
  /** Undefined: it is none of ours. Whether it lives, who asks looks. */
  open(token: string | undefined): LabSession | undefined;
}

const [nonceBytes, tagBytes] = [12, 16];
/** AWS's are about this long, whatever they hold. */
const leastPlainBytes = 400;

export const newSessionKey = (): string => randomBytes(32).toString('base64');

export function createSessionTokens(key: string): SessionTokens {
  const secret = Buffer.from(key, 'base64');
  return {
    seal: (session) => {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', secret, nonce);
      const plain = Buffer.from(JSON.stringify(session).padEnd(leastPlainBytes));
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
    },
    open: (token = '') => {
      const bytes = Buffer.from(token, 'base64');
      if (bytes.length <= nonceBytes + tagBytes || bytes.toString('base64') !== token) return undefined;
      const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(0, nonceBytes));
      decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      try {
        const plain = Buffer.concat([decipher.update(bytes.subarray(nonceBytes + tagBytes)), decipher.final()]);
        return sessionSchema.parse(JSON.parse(plain.toString('utf8')));
      } catch {
        return undefined;
      }
    },
  };
}
