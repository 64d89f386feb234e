import type { CatalogueEntry } from '../../../contract/models.ts'

/** According to the authors of Qwen2.5. */
const qwenLanguages = ['zh', 'en', 'fr', 'es', 'pt', 'de', 'it', 'ru', 'ja', 'ko', 'vi', 'th', 'ar']

/**
 * Models with permissive licenses. Their files are pinned by the SHA-256 of the hub at this revision, which several
 * independent projects also publish. `multilingual` means about 100 languages.
 */
export const curatedModels: CatalogueEntry[] = [
  {
    id: 'multilingual-e5-small',
    kind: 'embedding',
    repository: 'Xenova/multilingual-e5-small',
    revision: '761b726dd34fb83930e26aab4e9ac3899aa1fa78',
    license: 'MIT',
    languages: ['multilingual'],
    dimensions: 384,
    max_tokens: 512,
    pooling: 'mean',
    files: [
      {
        path: 'config.json',
        size: 658,
        sha256: 'cb99455288675345e1a4f411438d5d0adbba5fbd3a67ea4fb03c015433b996c1',
      },
      {
        path: 'tokenizer_config.json',
        size: 443,
        sha256: 'a1d6bc8734a6f635dc158508bef000f8e2e5a759c7d92f984b2c86e5ff53425b',
      },
      {
        path: 'tokenizer.json',
        size: 17082730,
        sha256: '0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39',
      },
      {
        path: 'onnx/model_quantized.onnx',
        size: 118308185,
        sha256: 'f80102d3f2a1229f387d3c81909990d8945513e347b0eab049f7de3c6f98c193',
      },
    ],
  },
  {
    id: 'bge-small-en-v1.5',
    kind: 'embedding',
    repository: 'Xenova/bge-small-en-v1.5',
    revision: 'ea104dacec62c0de699686887e3f920caeb4f3e3',
    license: 'MIT',
    languages: ['en'],
    dimensions: 384,
    max_tokens: 512,
    pooling: 'cls',
    files: [
      {
        path: 'config.json',
        size: 683,
        sha256: 'fa73f90bf92c8cace1fbcb709626306f2bdbc9ea3e5b5f94b440df9b6aa56350',
      },
      {
        path: 'tokenizer_config.json',
        size: 366,
        sha256: '9261e7d79b44c8195c1cada2b453e55b00aeb81e907a6664974b4d7776172ab3',
      },
      {
        path: 'tokenizer.json',
        size: 711396,
        sha256: 'd241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66',
      },
      {
        path: 'onnx/model_quantized.onnx',
        size: 34014426,
        sha256: '6c9c6101a956d62dfb5e7190c538226c0c5bb9cb27b651234b6df063ee7dbfe4',
      },
    ],
  },
  {
    id: 'all-minilm-l6-v2',
    kind: 'embedding',
    repository: 'Xenova/all-MiniLM-L6-v2',
    revision: '751bff37182d3f1213fa05d7196b954e230abad9',
    license: 'Apache-2.0',
    languages: ['en'],
    dimensions: 384,
    max_tokens: 256,
    pooling: 'mean',
    files: [
      {
        path: 'config.json',
        size: 650,
        sha256: '7135149f7cffa1a573466c6e4d8423ed73b62fd2332c575bf738a0d033f70df7',
      },
      {
        path: 'tokenizer_config.json',
        size: 366,
        sha256: '9261e7d79b44c8195c1cada2b453e55b00aeb81e907a6664974b4d7776172ab3',
      },
      {
        path: 'tokenizer.json',
        size: 711661,
        sha256: 'da0e79933b9ed51798a3ae27893d3c5fa4a201126cef75586296df9b4d2c62a0',
      },
      {
        path: 'onnx/model_quantized.onnx',
        size: 22972370,
        sha256: 'afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1',
      },
    ],
  },
  {
    id: 'ms-marco-minilm-l6-v2',
    kind: 'reranking',
    repository: 'Xenova/ms-marco-MiniLM-L-6-v2',
    revision: 'a09144355adeed5f58c8ed011d209bf8ee5a1fec',
    license: 'Apache-2.0',
    languages: ['en'],
    max_tokens: 512,
    files: [
      {
        path: 'config.json',
        size: 824,
        sha256: 'd827779a72d27ae68cf878a6fc2e954542663fe21ca515d9f4783fc96be2d37e',
      },
      {
        path: 'tokenizer_config.json',
        size: 1242,
        sha256: '0b29c7bfc889e53b36d9dd3e686dd4300f6525110eaa98c76a5dafceb2029f53',
      },
      {
        path: 'tokenizer.json',
        size: 711396,
        sha256: 'd241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66',
      },
      {
        path: 'onnx/model_quantized.onnx',
        size: 23143499,
        sha256: 'e9d8ebf845c413e981c175bfe49a3bfa9b3dcce2a3ba54875ee5df5a58639fbe',
      },
    ],
  },
  {
    id: 'mmarco-minilm-l12-v1',
    kind: 'reranking',
    repository: 'cross-encoder/mmarco-mMiniLMv2-L12-H384-v1',
    revision: '1427fd652930e4ba29e8149678df786c240d8825',
    license: 'Apache-2.0',
    languages: ['ar', 'de', 'en', 'es', 'fr', 'hi', 'id', 'it', 'ja', 'nl', 'pt', 'ru', 'vi', 'zh'],
    max_tokens: 512,
    files: [
      {
        path: 'config.json',
        size: 891,
        sha256: 'cc2cfe51aa3fd759d21d21acf5dfd6994aa67a3c9210636d22e143699d336c77',
      },
      {
        path: 'tokenizer_config.json',
        size: 435,
        sha256: 'e7fbfbfa6347b4e414c1cee50d142e2c2f9a895dad68b068ae83a8b564c3837e',
      },
      {
        path: 'tokenizer.json',
        size: 17082660,
        sha256: '62c24cdc13d4c9952d63718d6c9fa4c287974249e16b7ade6d5a85e7bbb75626',
      },
      {
        path: 'onnx/model_quint8_avx2.onnx',
        size: 118620016,
        sha256: '6c2513767fb63d008a4377bef7a7a3555433d9436342bb53e35a3a72ffc52d4b',
      },
    ],
  },
  {
    id: 'qwen2.5-0.5b-instruct',
    kind: 'chat',
    repository: 'Qwen/Qwen2.5-0.5B-Instruct-GGUF',
    revision: '9217f5db79a29953eb74d5343926648285ec7e67',
    license: 'Apache-2.0',
    languages: qwenLanguages,
    max_tokens: 32_768,
    files: [
      {
        path: 'qwen2.5-0.5b-instruct-q4_k_m.gguf',
        size: 491400032,
        sha256: '74a4da8c9fdbcd15bd1f6d01d621410d31c6fc00986f5eb687824e7b93d7a9db',
      },
    ],
  },
  {
    id: 'qwen2.5-1.5b-instruct',
    kind: 'chat',
    repository: 'Qwen/Qwen2.5-1.5B-Instruct-GGUF',
    revision: '91cad51170dc346986eccefdc2dd33a9da36ead9',
    license: 'Apache-2.0',
    languages: qwenLanguages,
    max_tokens: 32_768,
    files: [
      {
        path: 'qwen2.5-1.5b-instruct-q4_k_m.gguf',
        size: 1117320736,
        sha256: '6a1a2eb6d15622bf3c96857206351ba97e1af16c30d7a74ee38970e434e9407e',
      },
    ],
  },
  {
    id: 'smollm2-1.7b-instruct',
    kind: 'chat',
    repository: 'bartowski/SmolLM2-1.7B-Instruct-GGUF',
    revision: '1f03464768bfcc0319fc50da8ff5fb20b6417ba2',
    license: 'Apache-2.0',
    languages: ['en'],
    max_tokens: 8_192,
    files: [
      {
        path: 'SmolLM2-1.7B-Instruct-Q4_K_M.gguf',
        size: 1055609824,
        sha256: '77665ea4815999596525c636fbeb56ba8b080b46ae85efef4f0d986a139834d7',
      },
    ],
  },
]
