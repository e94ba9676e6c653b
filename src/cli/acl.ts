/** `redis-tokens acl`: the users of Redis that a deployment needs, each with no more rights than it has use for. */
import { PURPOSES, ROLES, type Role } from '../service/acl/roles.js';
import { type AclUser, aclUser, PASSWORD_HERE } from '../service/acl/user.js';
import type { Settings } from '../service/settings.js';
import { DONE } from './exit-status.js';
import type { Output } from './output.js';
import { UsageError } from './usage-error.js';

/** A line of an aclfile, or a command for redis-cli. */
export const ACL_FORMS = ['aclfile', 'setuser'] as const;

export interface AclOptions {
  /** Default: each of them. */
  role?: Role | undefined;
  /** The user's name. Default `<prefix>-<role>`. */
  user?: string | undefined;
  /** SHA-256 of its password. */
  passwordHash?: string | undefined;
  cache?: boolean | undefined;
  as?: (typeof ACL_FORMS)[number] | undefined;
}

/** @returns the exit status. */
export function runAcl(
  { role, user, passwordHash, cache, as = 'aclfile' }: AclOptions,
  { prefix }: Settings,
  output: Output,
): number {
  if (role === undefined && (user !== undefined || passwordHash !== undefined))
    throw new UsageError('--user and --password-hash are of one user: they need --role');
  if (user !== undefined && !/^[\w.:@-]{1,64}$/.test(user))
    throw new UsageError('--user must be 1–64 of A–Z a–z 0–9 _ . : @ -');
  if (passwordHash !== undefined && !/^[0-9a-f]{64}$/.test(passwordHash))
    throw new UsageError('--password-hash must be a SHA-256 in 64 digits of 0–9 a–f');
  const users = (role === undefined ? ROLES : [role]).map((each) =>
    aclUser(each, { prefix, name: user, passwordHash, cache }),
  );
  output.result(
    users.map((each) => ({ ...each, purpose: PURPOSES[each.role] })),
    () => users.map((each) => line(each, as)).join('\n'),
  );
  if (passwordHash === undefined && !output.json)
    output.note(`put the hash of a password in place of ${PASSWORD_HERE}: printf %s "$PASSWORD" | sha256sum`);
  return DONE;
}

const line = ({ name, rules }: AclUser, as: (typeof ACL_FORMS)[number]): string =>
  `${as === 'setuser' ? 'ACL SETUSER' : 'user'} ${name} ${rules.join(' ')}`;
