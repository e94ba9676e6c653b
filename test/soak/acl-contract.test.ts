// The contract of repositories for the users of the roles that run it, with several shards, and with a near cache.
import { contractFor } from '../acl/contract-for.js';

contractFor('application', 1);
contractFor('worker', 4);
contractFor('operator', 1);
contractFor('application', 1, { ttl: 60_000 });
