// `npm run audit`: whether advisories are known of what users install. One that could not be asked for is not a clean one.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

/** Vulnerabilities of this severity and above fail. */
const LEVEL = 'low';

const { values } = parseArgs({ options: { required: { type: 'boolean', default: false } } });
const { stdout, stderr } = spawnSync('npm', ['audit', '--omit=dev', `--audit-level=${LEVEL}`, '--json'], {
  encoding: 'utf8',
  maxBuffer: 2 ** 26,
});
const report = parsed(stdout);

if (report?.auditReportVersion === undefined) {
  const reason = report?.message ?? report?.error?.summary ?? stderr.trim().split('\n')[0];
  console.error(
    `${values.required ? 'ERROR' : 'WARNING'}: NOT AUDITED. The registry could not be asked: ${reason}`,
  );
  console.error('Nothing is known of vulnerabilities: run this where the registry answers audits.');
  process.exitCode = values.required ? 2 : 0;
} else {
  const found = Object.values(report.vulnerabilities ?? {});
  for (const { name, severity, range, via } of found) {
    const titles = via.map((cause) =>
      typeof cause === 'string' ? `by ${cause}` : `${cause.title} ${cause.url}`,
    );
    console.error(`${severity}: ${[name, range].filter(Boolean).join(' ')}: ${titles.join('; ')}`);
  }
  console.log(`Audited: ${found.length} vulnerable packages in what users install.`);
  process.exitCode = found.length > 0 ? 1 : 0;
}

interface Report {
  auditReportVersion?: number;
  vulnerabilities?: Record<string, Vulnerability>;
  /** Of a failure. */
  message?: string;
  error?: { summary?: string };
}

interface Vulnerability {
  name: string;
  severity: string;
  range: string;
  via: (string | { title: string; url: string })[];
}

function parsed(text: string): Report | undefined {
  try {
    return JSON.parse(text) as Report;
  } catch {
    return undefined;
  }
}
