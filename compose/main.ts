/** `node compose/main.ts FOLDER`: prepares the first start; where InfluxDB is comes from the environment. */
import { openSystemClock } from '../devices/clock-system.ts';
import { openSystemRandom } from '../devices/random.ts';
import { prepare } from './prepare.ts';

const [folder] = process.argv.slice(2);
const { QUANTRAC_INFLUX_URL: url, QUANTRAC_INFLUX_ORG: org } = process.env;
const { QUANTRAC_INFLUX_BUCKET: bucket } = process.env;
const tell = (line: string): void => void process.stdout.write(`${line}\n`);

if (folder === undefined || url === undefined || org === undefined || bucket === undefined) {
  tell('main.ts FOLDER, with QUANTRAC_INFLUX_URL, QUANTRAC_INFLUX_ORG and QUANTRAC_INFLUX_BUCKET');
  process.exit(2);
}
try {
  const [clock, random] = [openSystemClock(), openSystemRandom()];
  await prepare({ folder, url, org, bucket, clock, random, tell });
} catch (error) {
  tell(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
