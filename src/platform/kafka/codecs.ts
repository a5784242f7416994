import kafkajs from 'kafkajs';
import { compressFrame, decompressFrame } from 'lz4-napi';
import snappy from 'snappy';
import { ZSTDDecoder } from 'zstddec/stream';

const { CompressionCodecs, CompressionTypes } = kafkajs;

interface KafkaCodec {
  compress(encoder: { buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
}

/** What Java's snappy stream puts before its blocks; librdkafka writes one bare block instead. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

const snappyCodec: KafkaCodec = {
  compress: ({ buffer }) => snappy.compress(buffer),
  async decompress(buffer) {
    if (!buffer.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) return asBuffer(await snappy.uncompress(buffer));
    const blocks: Buffer[] = [];
    for (let at = XERIAL_HEADER_BYTES; at < buffer.length;) {
      const length = buffer.readUInt32BE(at);
      blocks.push(asBuffer(await snappy.uncompress(buffer.subarray(at + 4, at + 4 + length))));
      at += 4 + length;
    }
    return Buffer.concat(blocks);
  },
};

const lz4Codec: KafkaCodec = {
  compress: ({ buffer }) => compressFrame(buffer),
  decompress: (buffer) => decompressFrame(buffer),
};

const zstd = new ZSTDDecoder();
let zstdReady: Promise<void> | undefined;

/** Only reads: nothing that the Worker writes is compressed. */
const zstdCodec: KafkaCodec = {
  compress: () => Promise.reject(new Error('the Worker reads zstd, it does not write it')),
  async decompress(buffer) {
    await (zstdReady ??= zstd.init());
    return Buffer.from(zstd.decode(buffer));
  },
};

const asBuffer = (bytes: string | Buffer): Buffer => (typeof bytes === 'string' ? Buffer.from(bytes) : bytes);

/** kafkajs itself knows gzip only, and a consumer that meets another codec ends for good. */
export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.Snappy] = () => snappyCodec;
  CompressionCodecs[CompressionTypes.LZ4] = () => lz4Codec;
  CompressionCodecs[CompressionTypes.ZSTD] = () => zstdCodec;
}
