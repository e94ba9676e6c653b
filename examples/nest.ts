// A NestJS module: tokens that are closed with the application, and a guard for bearer authentication (RFC 6750).
import * as nest from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RedisTokens, StoreUnavailableError } from 'redis-tokens';

class Tokens extends RedisTokens {
  readonly keys = this.scope<{ plan: string }>({ app: 'shop', type: 'api-key', tokenPrefix: 'shop_key_' });
  onApplicationShutdown = () => this.close(); // called by Nest
}

@nest.Injectable()
class KeyGuard implements nest.CanActivate {
  constructor(@nest.Inject(Tokens) private readonly tokens: Tokens) {}

  async canActivate(context: nest.ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest();
    const [, token = ''] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    request.key = await this.tokens.keys.get({ token }).catch((error) => {
      throw error instanceof StoreUnavailableError ? new nest.ServiceUnavailableException() : error;
    });
    if (!request.key) throw new nest.UnauthorizedException();
    return true;
  }
}

@nest.Controller('me')
@nest.UseGuards(KeyGuard)
class MeController {
  @nest.Get()
  me(@nest.Req() { key }: { key: { owner: string; data: { plan: string } } }) {
    return { owner: key.owner, plan: key.data.plan };
  }
}

const provider = { provide: Tokens, useFactory: () => new Tokens(process.env.REDIS_URL, { cache: {} }) };
@nest.Module({ providers: [provider, KeyGuard], exports: [Tokens], controllers: [MeController] })
class AppModule {}

const app = (await NestFactory.create(AppModule, { logger: ['error'] })).enableShutdownHooks();
await app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log('listening'));
