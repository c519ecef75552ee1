// Real work for node: JSON, buffers, compression, worker threads; again and again in one process.
//
// Usage: node --expose-gc node.js ROUNDS SIZES   Prints the results, the same in every round; the file SIZES gets what
// the process occupies.
'use strict';
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto');
const fs = require('fs');
const zlib = require('zlib');

const WORKERS = 4;

function sha256(data) {
    return crypto.createHash('sha256').update(data).digest('hex');
}

function rows(count, seed) {
    const all = [];
    for (let i = 0; i < count; i++) {
        const tags = Array.from({ length: i % 7 }, (_, j) => 't' + (i * j) % 13);
        all.push({ id: i, name: 'n' + (i * 7919 * seed) % count, tags });
    }
    return all;
}

function json(seed) {
    const text = JSON.stringify(rows(20000, seed));
    const again = JSON.parse(text).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id - b.id));
    return [text.length, sha256(JSON.stringify(again))];
}

function buffers(seed) {
    const parts = [];
    for (let i = 1; i < 600; i++) {
        parts.push(Buffer.alloc((i * 97 * seed) % 30000, i % 256));
    }
    parts.push(Buffer.alloc(3 << 20, 'big'));
    const all = Buffer.concat(parts);
    const packed = zlib.gzipSync(all);
    const unpacked = zlib.gunzipSync(packed);
    return [all.length, unpacked.equals(all), sha256(unpacked), sha256(all.toString('base64'))];
}

function inWorker(seed) {
    return new Promise((resolve, reject) => {
        const worker = new Worker(__filename, { workerData: seed });
        let result;
        worker.on('message', (message) => { result = message; });
        worker.on('error', reject);
        worker.on('exit', (code) => (code === 0 ? resolve(result) : reject(new Error('worker: ' + code))));
    });
}

async function round() {
    const results = [json(1), buffers(1)];
    const seeds = Array.from({ length: WORKERS }, (_, i) => i + 2);
    const fromWorkers = await Promise.all(seeds.map(inWorker));
    results.push(...fromWorkers.map(({ facts, bytes }) => [facts, bytes.length, sha256(bytes)]));
    return JSON.stringify(results, null, 1);
}

async function main() {
    const [rounds, file] = [Number(process.argv[2]), process.argv[3]];
    let first;
    for (let i = 1; i <= rounds; i++) {
        const result = await round();
        first ??= result;
        if (result !== first) {
            throw new Error('round ' + i + ' differs: ' + result);
        }
        global.gc();
        const status = fs.readFileSync('/proc/self/status', 'latin1');
        fs.appendFileSync(file, /VmSize:\s+(\d+)/.exec(status)[1] + ' ' + /VmRSS:\s+(\d+)/.exec(status)[1] + '\n');
    }
    console.log(first);
}

if (isMainThread) {
    main();
} else {
    // The memory goes to the main thread with the message, and is freed there.
    const bytes = new Uint8Array(1 << 20).fill(workerData);
    parentPort.postMessage({ facts: [json(workerData), buffers(workerData)], bytes }, [bytes.buffer]);
}
