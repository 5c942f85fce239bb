/** The contract of a transport, on node:http. */

import { transportFramingSuite } from './transport-framing.suite.js';
import { transportReplySuite } from './transport-reply.suite.js';
import { transportRequestSuite } from './transport-request.suite.js';

transportRequestSuite('node');
transportReplySuite('node');
transportFramingSuite('node');
