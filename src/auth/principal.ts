/**
 * Who is calling.
 *
 * @module
 */

/** A caller whose signature was verified, or nobody. */
export type Principal =
  | { readonly kind: 'user'; readonly accessKey: string; readonly account: string }
  | { readonly kind: 'anonymous' };
