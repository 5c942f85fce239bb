/** The contract of a transport, on uWebSockets.js. */

import { transportFramingSuite } from './transport-framing.suite.js';
import { transportReplySuite } from './transport-reply.suite.js';
import { transportRequestSuite } from './transport-request.suite.js';

transportRequestSuite('uws');
transportReplySuite('uws');
transportFramingSuite('uws');
