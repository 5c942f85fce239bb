/**
 * What requests of `signed-head.ts` are judged by: its key pair, at its time.
 *
 * @module
 */

import type { AuthenticationContext } from '#src/auth/authenticate.js';
import { CredentialStore, type Credential } from '#src/auth/credentials.js';
import { SigningKeyCache } from '#src/auth/signing-key-cache.js';

import { ACCESS_KEY, NOW_MS, REGION, SECRET_KEY } from './signed-head.js';

/** @param others - key pairs beside the usual one. */
export function authenticationContext(...others: readonly Credential[]): AuthenticationContext {
  const usual = { accessKey: ACCESS_KEY, secretKey: SECRET_KEY, account: 'main' };
  return {
    credentials: new CredentialStore([usual, ...others]),
    signingKeys: new SigningKeyCache(),
    region: REGION,
    nowMs: NOW_MS,
  };
}
