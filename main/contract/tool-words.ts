/** Words about a tool that manifests of both kinds use: of a connector of its own, and of a wrapped server. */
import { z } from 'zod';

export const operationSchema = z.enum(['read', 'write', 'admin']);

/** What a program can ask of its client in the middle of a call (MCP: elicitation, sampling, roots). */
export const askKindSchema = z.enum(['elicitation', 'sampling', 'roots']);
export type AskKind = z.infer<typeof askKindSchema>;
