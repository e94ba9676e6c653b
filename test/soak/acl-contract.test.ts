// The contract of repositories for the users of other roles, with several shards, and with a near cache.
import { contractFor } from '../acl/contract-for.js';

contractFor('worker', 4);
contractFor('operator', 1);
contractFor('application', 1, { ttl: 60_000 });
