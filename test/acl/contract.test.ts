// The contract of repositories, for an application’s user with no more rights than `redis-tokens acl` gives it.
import { contractFor } from './contract-for.js';

contractFor('application', 1);
