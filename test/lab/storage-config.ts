/** How the lab's configuration reaches its S3, as the person, by its STS. */
import type { ConnectorConfig } from '../../main/contract/config.ts';
import { issuerScope, labBucket, labRegion, labRoleArn } from './contract.ts';

/** What the connector reads, whatever the person may: nothing but objects, no version, no list of buckets. */
const sessionPolicy = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::${labBucket}/*` },
    { Effect: 'Allow', Action: 's3:ListBucket', Resource: `arn:aws:s3:::${labBucket}` },
  ],
};
/** Of what everybody shares; the rest is sensitive. */
export const sharedLabels = {
  'shared.key': 'internal',
  'shared.region': 'internal',
  'shared.category': 'internal',
  'shared.ordered_on': 'internal',
} as const;

export function storageConnector({ issuer, storage }: { issuer: string; storage: string }): ConnectorConfig {
  const objects: ConnectorConfig['destinations'][string] = {
    host: 'localhost',
    port: Number(new URL(storage).port),
    networks: ['127.0.0.0/8', '::1/128'],
    credential: {
      kind: 'aws-sts',
      region: labRegion,
      url: new URL('/sts', issuer).href,
      roleArn: labRoleArn,
      sessionPolicy: JSON.stringify(sessionPolicy),
      durationSeconds: 900,
      scope: issuerScope,
    },
  };
  const settings = { buckets: [labBucket], areas: [{ prefix: 'shared/', name: 'shared' }] };
  return { name: 'storage', settings, destinations: { objects } };
}
