// Runs the scenario with the official Node SDK.
//
//     NODE_PATH=…/node_modules node client.js CONFIG
//
// CONFIG is that of client.py, with a file to write the replies to, if any. A private authority comes by NODE_EXTRA_CA_CERTS.

const fs = require('fs');
const crypto = require('crypto');
const sdk = require('cybersource-rest-client');

function fill(value, saved) {
  if (typeof value === 'string') return value.replace(/\{(\w+)\}/g, (_, name) => saved[name]);
  if (Array.isArray(value)) return value.map((item) => fill(item, saved));
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fill(item, saved)]));
  }
  return value;
}

function at(value, path) {
  return path.split('.').reduce((found, part) => (found == null ? undefined : found[part]), value);
}

function parse(text) {
  if (typeof text !== 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

class Client {
  constructor(mode, replies) {
    this.mode = mode;
    this.replies = replies;
    this.saved = { unique: crypto.randomBytes(10).toString('hex'), profile: crypto.randomUUID() };
    this.calls = 0;
    this.unexpected = [];
  }

  // The SDK's object that has an operation; each has its operations only once it is made.
  api(operation) {
    for (const name of Object.keys(sdk).filter((name) => name.endsWith('Api'))) {
      const api = new sdk[name](this.mode.settings, new sdk.ApiClient());
      if (typeof api[operation] === 'function') return api;
    }
    throw new Error(`the SDK has no ${operation}`);
  }

  call(step) {
    const api = this.api(step.do);
    const filled = (one) => fill(one === '$body' ? step.body : one, this.saved);
    const options = Object.fromEntries(Object.entries(step.options || {}).map(([name, one]) => [name, filled(one)]));
    const given = (step.args || []).map(filled);
    // Operations with optional parameters take them before the callback.
    const takesOptions = api[step.do].length > given.length + 1;
    if (takesOptions) given.push(options);
    return new Promise((resolve) => {
      api[step.do](...given, (error, data, response) => {
        const from = response || (error && error.response) || {};
        const body = parse(from.text !== undefined && from.text !== '' ? from.text : from.data || from.body);
        const status = from.status || (error && error.status);
        resolve({ status, body, etag: (from.header || from.headers || {}).etag, error });
      });
    });
  }

  async run(step) {
    this.calls += 1;
    const { status, body, etag, error } = await this.call(step);
    const isRefused = !this.mode.jwt && 'unsealed' in step;
    let wanted = isRefused ? step.unsealed : step.expect;
    if (this.mode.wrong) wanted = 401;
    if (status !== wanted) {
      this.unexpected.push(`${step.do}: ${status} instead of ${wanted}: ${JSON.stringify(body)} ${error || ''}`);
      return;
    }
    if (this.mode.wrong || isRefused) return;
    if (this.replies && status < 300) fs.appendFileSync(this.replies, `${JSON.stringify([step.do, body])}\n`);
    for (const [path, value] of Object.entries(step.check || {})) {
      const found = at(body, path);
      if (found !== fill(value, this.saved)) {
        this.unexpected.push(`${step.do}: ${path} is ${JSON.stringify(found)} instead of ${JSON.stringify(value)}`);
      }
    }
    for (const [name, path] of Object.entries(step.save || {})) {
      this.saved[name] = path === '@etag' ? etag : at(body, path);
    }
  }
}

async function main() {
  const config = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
  const scenario = JSON.parse(fs.readFileSync(config.scenario, 'utf8'));
  let failed = false;
  for (const mode of config.modes) {
    // Every mode begins with an empty sandbox.
    await fetch(`${config.operator}/reset`, { method: 'POST' });
    const client = new Client(mode, config.replies);
    const wrong = ['postCustomer', 'createPayment'];
    const steps = mode.wrong ? scenario.filter((step) => wrong.includes(step.do)).slice(0, 2) : scenario;
    for (const step of steps) if (mode.jwt || step.only !== 'jwt') await client.run(step);
    if (!mode.wrong) {
      const { sealed } = await (await fetch(config.operator)).json();
      // Without MLE only the one call is sealed that the SDK always seals.
      if (mode.sealed !== Math.min(...Object.values(sealed)) > 10) {
        client.unexpected.push(`sealed messages: ${JSON.stringify(sealed)}`);
      }
    }
    console.log(`node ${mode.name}: ${client.calls} calls, ${client.unexpected.length} unexpected`);
    for (const line of client.unexpected) console.log('   ', line);
    failed = failed || client.unexpected.length > 0;
  }
  process.exit(failed ? 1 : 0);
}

main();
