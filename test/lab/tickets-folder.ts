/** Where the build puts the connector that it makes of tickets.openapi.yaml (build/bundle.mjs). */
import path from 'node:path';

export function ticketsFolder(): string {
  const lab = import.meta.dirname;
  const isSource = import.meta.filename.endsWith('.ts');
  return isSource ? path.resolve(lab, '../../dist/lab/tickets') : path.join(lab, 'tickets');
}
