/** What the trusted processes say of their own protections. */
import { z } from 'zod';

/** What a process found out about its own protections; the shell compares it with the kernel's view. */
export const hardeningReportSchema = z.strictObject({
  /** PR_GET_DUMPABLE is 0. */
  notDumpable: z.boolean(),
  noCoreDumps: z.boolean(),
  noNewPrivileges: z.boolean(),
  dieWithParent: z.boolean(),
  /** Guarded memory is really locked (VmLck grew); false where the process holds none. */
  lockedMemory: z.boolean(),
});
export type HardeningReport = z.infer<typeof hardeningReportSchema>;
