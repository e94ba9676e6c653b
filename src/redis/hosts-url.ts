/** URLs that name several servers: `scheme://user:password@host:port,host:port`. */

export interface Host {
  host: string;
  port: number;
}

export interface Login {
  username?: string;
  password?: string;
}

/** What stands between commas; one without a port has the given one. `undefined` where one of them is no host. */
export function parseHosts(text: string, defaultPort: number): Host[] | undefined {
  const hosts: Host[] = [];
  for (const each of text.split(',')) {
    const url = `redis://${each}`;
    if (!URL.canParse(url)) return undefined;
    const { hostname, port, pathname, search, hash } = new URL(url);
    if (hostname === '' || pathname || search || hash) return undefined;
    hosts.push({ host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || defaultPort) });
  }
  return hosts;
}

/** `undefined` where its escapes are ill-formed. */
export function parseLogin(text: string | undefined): Login | undefined {
  try {
    const [username = '', ...rest] = text?.split(':').map(decodeURIComponent) ?? [];
    const password = rest.join(':');
    return { ...(username && { username }), ...(password && { password }) };
  } catch {
    return undefined;
  }
}
