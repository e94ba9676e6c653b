// Errors: their classes and codes, and their way through a result.
import { assert } from 'chai';
import * as errors from '../../src/tokens/errors.js';

const { fromWireError, TokenError, toWireError, ValidationError, StoreUnavailableError } = errors;

const TRAVELLERS = [
  new ValidationError('create', [
    { field: 'app', problem: 'is missing' },
    { field: 'data', problem: '(at data.a) is NaN' },
  ]),
  new errors.TokenExistsError(),
  new errors.TokenRevokedError(),
  new errors.LimitExceededError(),
  new errors.VersionConflictError(7),
  new errors.CommandConflictError('other content'),
  new errors.CommandExpiredError(),
  new errors.CommandFailedError('it did not work'),
  new StoreUnavailableError('gone', 'none'),
  new StoreUnavailableError('gone', 'unknown'),
  new errors.ConfigError('wrong'),
];

describe('Errors', () => {
  it('come out of a result in the class that went in, and the same in all they tell', () => {
    for (const error of TRAVELLERS) {
      const back = fromWireError(JSON.parse(JSON.stringify(toWireError(error))));
      assert.equal(back.constructor, error.constructor);
      assert.equal(back.name, error.constructor.name);
      assert.equal(back.message, error.message);
      assert.equal(back.code, error.code);
      assert.deepEqual({ ...back }, { ...error });
    }
  });

  it('are TokenErrors and Errors, named after their class', () => {
    for (const error of TRAVELLERS) {
      assert.instanceOf(error, TokenError);
      assert.instanceOf(error, Error);
      assert.isTrue(String(error).startsWith(`${error.constructor.name}: `));
      assert.isTrue(error.stack?.startsWith(error.constructor.name), error.stack);
    }
  });

  it('have a code each, of their own', () => {
    const codes = new Map(TRAVELLERS.map((error) => [error.constructor, error.code]));
    assert.equal(new Set(codes.values()).size, codes.size);
    for (const code of codes.values()) assert.match(code, /^[A-Z_]+$/);
  });

  it('of any other kind are failed commands', () => {
    assert.deepEqual(toWireError(new TypeError('x is not a function')), {
      code: 'COMMAND_FAILED',
      message: 'x is not a function',
    });
    assert.deepEqual(toWireError('thrown text'), { code: 'COMMAND_FAILED', message: 'thrown text' });
  });

  it('of a code that is not known yet are failed commands, with their message', () => {
    const error = fromWireError({ code: 'LIMIT_REACHED' as never, message: 'five at most' });
    assert.instanceOf(error, errors.CommandFailedError);
    assert.equal(error.message, 'five at most');
  });

  it('without details are told with the least that is certain', () => {
    const unavailable = fromWireError({ code: 'STORE_UNAVAILABLE', message: 'gone' });
    assert.propertyVal(unavailable, 'outcome', 'unknown');
    const invalid = fromWireError({ code: 'VALIDATION', message: 'create: app is missing' });
    assert.deepEqual({ ...invalid }, { ...new ValidationError('', []), name: 'ValidationError' });
  });

  it('keep their cause', () => {
    const cause = new Error('ECONNREFUSED');
    assert.equal(new StoreUnavailableError('gone', 'none', { cause }).cause, cause);
    assert.equal(new errors.ConfigError('wrong', { cause }).cause, cause);
    assert.equal(new errors.CommandFailedError('failed', { cause }).cause, cause);
  });

  it('of a result that is late hold the receipt', () => {
    const receipt = { jobId: 'j' };
    assert.equal(new errors.ResultTimeoutError('late', receipt).receipt, receipt);
    assert.equal(new errors.ResultTimeoutError('late', receipt).code, 'RESULT_TIMEOUT');
    assert.equal(new errors.ClosedError('RedisTokens').message, 'RedisTokens is closed');
  });
});
