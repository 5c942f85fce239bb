/**
 * Every error an S3 client can receive, in one table sorted by code.
 *
 * The key is the `<Code>` on the wire; the row gives its HTTP status and our `<Message>`. No
 * other file picks a status: every layer throws `new S3Error(code)`, `server/reply.ts` renders it.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 * @module
 */

interface ErrorRow {
  readonly status: number;
  readonly message: string;
}

// prettier-ignore
export const S3_ERRORS = {
  AccessControlListNotSupported:                  { status: 400, message: 'The bucket does not allow ACLs' },
  AccessDenied:                                   { status: 403, message: 'Access Denied' },
  AccessForbidden:                                { status: 403, message: 'The cross-origin request is not allowed' },
  AuthorizationHeaderMalformed:                   { status: 400, message: 'The authorization header is malformed' },
  AuthorizationQueryParametersError:              { status: 400, message: 'The query string authentication parameters are malformed or missing' },
  BadDigest:                                      { status: 400, message: 'The body does not match the digest that was sent with it' },
  BadRequest:                                     { status: 400, message: 'The request cannot be understood' },
  BucketAlreadyExists:                            { status: 409, message: 'The bucket name is taken by another account' },
  BucketAlreadyOwnedByYou:                        { status: 409, message: 'The bucket exists already and belongs to this account' },
  BucketNotEmpty:                                 { status: 409, message: 'The bucket still holds objects or versions' },
  ConditionalRequestConflict:                     { status: 409, message: 'The key changed while the request was under way; retry it' },
  EntityTooLarge:                                 { status: 400, message: 'The body is larger than this operation accepts' },
  EntityTooSmall:                                 { status: 400, message: 'A part other than the last is smaller than the minimum' },
  ExpiredToken:                                   { status: 400, message: 'The token has expired' },
  IdempotencyParameterMismatch:                   { status: 400, message: 'The client token was used before with other parameters' },
  IllegalLocationConstraintException:             { status: 400, message: 'The location constraint does not match the region of this endpoint' },
  IncompleteBody:                                 { status: 400, message: 'The body is shorter or longer than announced, or its framing is broken' },
  InsufficientStorage:                            { status: 507, message: 'There is not enough space to store the object' },
  InternalError:                                  { status: 500, message: 'The server failed; the request may be retried' },
  InvalidAccessKeyId:                             { status: 403, message: 'The access key is not known here' },
  InvalidArgument:                                { status: 400, message: 'An argument of the request is invalid' },
  InvalidBucketAclWithObjectOwnership:            { status: 400, message: "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting" },
  InvalidBucketName:                              { status: 400, message: 'The bucket name is not valid' },
  InvalidBucketOwnerAWSAccountID:                 { status: 400, message: 'The expected bucket owner must be an account id' },
  InvalidChunkSizeError:                          { status: 400, message: 'Only the last chunk may be smaller than 8192 bytes' },
  InvalidDigest:                                  { status: 400, message: 'The Content-MD5 header is not valid' },
  InvalidLocationConstraint:                      { status: 400, message: 'The location constraint is not valid' },
  InvalidObjectState:                             { status: 403, message: 'The storage class of the object does not allow the operation' },
  InvalidPart:                                    { status: 400, message: 'A listed part was not found, or its ETag does not match' },
  InvalidPartNumber:                              { status: 416, message: 'The part number is beyond the last part' },
  InvalidPartOrder:                               { status: 400, message: 'The parts must be listed in ascending order' },
  InvalidPolicyDocument:                          { status: 400, message: 'The policy of the form is not valid' },
  InvalidRange:                                   { status: 416, message: 'The range starts past the end of the object' },
  InvalidRedirectLocation:                        { status: 400, message: 'The website redirect location must start with /, http:// or https://' },
  InvalidRequest:                                 { status: 400, message: 'The request is not valid' },
  InvalidStorageClass:                            { status: 400, message: 'The storage class is not known' },
  InvalidTag:                                     { status: 400, message: 'A tag is not valid' },
  InvalidToken:                                   { status: 400, message: 'The session token is not valid' },
  InvalidURI:                                     { status: 400, message: 'The URI cannot be decoded' },
  InvalidWriteOffset:                             { status: 400, message: 'The write offset value that you specified does not match the current object size.' },
  KeyTooLongError:                                { status: 400, message: 'The key is longer than 1024 bytes' },
  MalformedACLError:                              { status: 400, message: 'The access control list is not well-formed or does not follow the schema' },
  MalformedPOSTRequest:                           { status: 400, message: 'The body of your POST request is not well-formed multipart/form-data.' },
  MalformedTrailerError:                          { status: 400, message: 'The trailer of the body is malformed' },
  MalformedXML:                                   { status: 400, message: 'The XML of the body is not well-formed or does not follow the schema' },
  MaxMessageLengthExceeded:                       { status: 400, message: 'The request document is too long' },
  MaxPostPreDataLengthExceededError:              { status: 400, message: 'Your POST request fields preceding the upload file were too large.' },
  MetadataTooLarge:                               { status: 400, message: 'The user metadata is larger than 2048 bytes' },
  MethodNotAllowed:                               { status: 405, message: 'The method is not allowed on this resource' },
  MissingContentLength:                           { status: 411, message: 'The request must state its length' },
  MissingRequestBodyError:                        { status: 400, message: 'The request needs a body' },
  MissingSecurityHeader:                          { status: 400, message: 'The request lacks a header or a body that says what to grant' },
  NoSuchBucket:                                   { status: 404, message: 'The specified bucket does not exist' },
  NoSuchBucketPolicy:                             { status: 404, message: 'The bucket policy does not exist' },
  NoSuchCORSConfiguration:                        { status: 404, message: 'The CORS configuration does not exist' },
  NoSuchConfiguration:                            { status: 404, message: 'The specified configuration does not exist' },
  NoSuchKey:                                      { status: 404, message: 'The specified key does not exist' },
  NoSuchLifecycleConfiguration:                   { status: 404, message: 'The lifecycle configuration does not exist' },
  NoSuchTagSet:                                   { status: 404, message: 'The tag set does not exist' },
  NoSuchUpload:                                   { status: 404, message: 'The upload does not exist; it may have been completed or aborted' },
  NoSuchVersion:                                  { status: 404, message: 'The specified version does not exist' },
  NoSuchWebsiteConfiguration:                     { status: 404, message: 'The specified bucket does not have a website configuration' },
  NotImplemented:                                 { status: 501, message: 'This server does not offer what the request asks for' },
  NotModified:                                    { status: 304, message: 'Not Modified' },
  ObjectLockConfigurationNotFoundError:           { status: 404, message: 'Object Lock configuration does not exist for this bucket' },
  OperationAborted:                               { status: 409, message: 'A conflicting operation is under way; retry' },
  PreconditionFailed:                             { status: 412, message: 'A condition of the request does not hold' },
  ReplicationConfigurationNotFoundError:          { status: 404, message: 'The replication configuration was not found' },
  RequestHeaderSectionTooLarge:                   { status: 400, message: 'The request line and headers exceed 8192 bytes' },
  RequestTimeTooSkewed:                           { status: 403, message: 'The clocks of client and server differ too much' },
  RequestTimeout:                                 { status: 400, message: 'The body did not arrive in time' },
  ServerSideEncryptionConfigurationNotFoundError: { status: 404, message: 'The server side encryption configuration was not found' },
  ServiceUnavailable:                             { status: 503, message: 'The server is shutting down or starting; retry' },
  SignatureDoesNotMatch:                          { status: 403, message: 'The signature is not the one computed here; check the secret key and the signing method' },
  SlowDown:                                       { status: 503, message: 'The server is at its limit; retry with backoff' },
  TooManyParts:                                   { status: 400, message: 'The object has the most parts an object can have; a copy of it has one, and more can be added to that' },
  UnexpectedContent:                              { status: 400, message: 'This request does not support content' },
  XAmzContentSHA256Mismatch:                      { status: 400, message: 'The body does not match x-amz-content-sha256' },
} as const satisfies Readonly<Record<string, ErrorRow>>;

export type S3ErrorCode = keyof typeof S3_ERRORS;

/** Options beyond the code: a sharper message, or the fault behind it. */
export interface S3ErrorOptions extends ErrorOptions {
  /** Replaces the table's message. */
  readonly message?: string;
  /** Response headers besides the document, such as `Allow` or `Content-Range`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An expected failure. `details` become extra elements of the error document, such as `Key`. */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    readonly code: S3ErrorCode,
    readonly details: Readonly<Record<string, string | number>> = {},
    options: S3ErrorOptions = {},
  ) {
    super(options.message ?? S3_ERRORS[code].message, options);
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return S3_ERRORS[this.code].status;
  }
}

/** The error that AWS has for requests which contradict themselves; only its words tell them apart. */
export function invalidRequest(message: string): S3Error {
  return new S3Error('InvalidRequest', {}, { message });
}
