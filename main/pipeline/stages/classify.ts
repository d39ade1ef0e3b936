/**
 * classify: each field gets the label that the manifest states for its place, and a column of a result in rows the one
 * that the configuration states for its source. Guarantees that what nobody labelled has the tool's own classification,
 * its highest. Trusts the manifest, and a connector's word on where a column comes from: a compromised one can call a
 * column by another's name. What it can lower that way is in the README of this room.
 */
import type { TableField, TableStage, TableView } from '../stage.ts';

export function createClassify(): TableStage {
  return {
    report: {
      stage: 'classify',
      mode: 'enforced',
      rule: 'A label per field from manifest and configuration; else the class of the tool.',
    },
    apply: ({ tool, value }) => ({ pass: true, value, labels: tool.labels }),
    openTable: (view) => ({ fields: view.fields.map((field) => labelled(field, view)), row: (row) => row }),
  };
}

function labelled(field: TableField, { tool }: TableView): TableField {
  const known = field.source === undefined ? undefined : tool.columnLabels.get(field.source);
  const otherwise = tool.labels.members.get('rows')?.items?.items ?? tool.labels;
  return { ...field, label: known?.label ?? otherwise.label, rule: known?.rule ?? otherwise.rule };
}
