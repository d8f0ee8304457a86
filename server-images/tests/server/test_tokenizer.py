"""TokenizerService: the base's own tokenizer, and nothing added."""

from __future__ import annotations

import shutil
from pathlib import Path

import grpc
from server_client import RunClient, refused

from drpo_server.proto_gen import tokenizer_service_pb2 as tokens

INVALID = grpc.StatusCode.INVALID_ARGUMENT


def test_tokenize_and_detokenize(run: RunClient) -> None:
    texts = ["w3 w4 <eos>", "", "w61"]
    answer = run.tokenizer.Tokenize(tokens.TokenizeRequest(base=run.base, texts=texts))
    assert (list(answer.token_ids), list(answer.lengths)) == ([5, 6, 0, 63], [3, 0, 1])
    request = tokens.DetokenizeRequest(base=run.base, token_ids=answer.token_ids, lengths=answer.lengths)
    assert list(run.tokenizer.Detokenize(request).texts) == texts


def test_special_tokens_can_be_left_out(run: RunClient) -> None:
    request = tokens.DetokenizeRequest(base=run.base, token_ids=[5, 0], lengths=[2], skip_special_tokens=True)
    assert list(run.tokenizer.Detokenize(request).texts) == ["w3"]


def test_no_texts_give_no_tokens(run: RunClient) -> None:
    assert run.tokenizer.Tokenize(tokens.TokenizeRequest(base=run.base)) == tokens.TokenizeResponse()


def test_lengths_must_add_up(run: RunClient) -> None:
    with refused(INVALID, "DetokenizeRequest.token_ids has 3 entries, not 2"):
        run.tokenizer.Detokenize(tokens.DetokenizeRequest(base=run.base, token_ids=[5, 6, 7], lengths=[1, 1]))


def test_token_outside_the_vocabulary(run: RunClient) -> None:
    with refused(INVALID, "DetokenizeRequest.token_ids[1] is 64"):
        run.tokenizer.Detokenize(tokens.DetokenizeRequest(base=run.base, token_ids=[5, 64], lengths=[2]))


def test_info_agrees_with_the_model(run: RunClient) -> None:
    info = run.tokenizer.GetTokenizerInfo(tokens.GetTokenizerInfoRequest(base=run.base))
    created = run.result(run.models.CreateModel, run.create_request())
    assert (info.eos_token_id, info.vocabulary_size, info.context_tokens) == (0, 64, 128)
    assert (info.vocabulary_size, info.context_tokens, info.base_hash) == (
        created.vocabulary_size,
        created.context_tokens,
        created.base_hash,
    )


def test_hash_is_of_the_tokenizers_files(run: RunClient, tiny_llama_folder: Path, tmp_path: Path) -> None:
    def tokenizer_hash(folder: Path) -> str:
        request = tokens.GetTokenizerInfoRequest(base=str(folder))
        return str(run.tokenizer.GetTokenizerInfo(request).tokenizer_hash)

    copy = shutil.copytree(tiny_llama_folder, tmp_path / "copy")
    changed = shutil.copytree(tiny_llama_folder, tmp_path / "changed")
    (changed / "chat_template.jinja").write_text("{{ messages }}")
    assert tokenizer_hash(tiny_llama_folder) == tokenizer_hash(copy) != tokenizer_hash(changed)


def chat(*messages: tuple[str, str]) -> tokens.Chat:
    return tokens.Chat(messages=[tokens.ChatMessage(role=role, content=content) for role, content in messages])


def test_chat_template(run: RunClient) -> None:
    request = tokens.ApplyChatTemplateRequest(
        base=run.base,
        chats=[chat(("user", "w1")), chat(("user", "w2"), ("assistant", "w3"))],
        add_generation_prompt=True,
    )
    assert list(run.tokenizer.ApplyChatTemplate(request).texts) == [
        "user w1 <eos> assistant ",
        "user w2 <eos> assistant w3 <eos> assistant ",
    ]


def test_unknown_role(run: RunClient) -> None:
    request = tokens.ApplyChatTemplateRequest(base=run.base, chats=[chat(("user", "w1"), ("robot", "w2"))])
    with refused(INVALID, "chats[0].messages[1].role is 'robot'", "system, user, assistant"):
        run.tokenizer.ApplyChatTemplate(request)


def test_template_that_refuses(run: RunClient, tiny_llama_folder: Path, tmp_path: Path) -> None:
    strict = shutil.copytree(tiny_llama_folder, tmp_path / "strict")
    (strict / "chat_template.jinja").write_text("{{ raise_exception('roles must alternate') }}")
    request = tokens.ApplyChatTemplateRequest(base=str(strict), chats=[chat(("user", "w1"))])
    with refused(INVALID, "chats[0]", "roles must alternate"):
        run.tokenizer.ApplyChatTemplate(request)


def test_base_without_a_template(run: RunClient, tiny_llama_folder: Path, tmp_path: Path) -> None:
    bare = shutil.copytree(tiny_llama_folder, tmp_path / "bare")
    (bare / "chat_template.jinja").unlink()
    request = tokens.ApplyChatTemplateRequest(base=str(bare), chats=[chat(("user", "w1"))])
    with refused(INVALID, "has no chat template"):
        run.tokenizer.ApplyChatTemplate(request)


def test_base_that_is_not_there(run: RunClient, tmp_path: Path) -> None:
    with refused(grpc.StatusCode.NOT_FOUND, str(tmp_path / "nowhere"), "hf download", "gguf_to_safetensors"):
        run.tokenizer.Tokenize(tokens.TokenizeRequest(base=str(tmp_path / "nowhere"), texts=["w1"]))


def test_base_without_a_tokenizer(run: RunClient, tiny_llama_folder: Path, tmp_path: Path) -> None:
    bare = shutil.copytree(tiny_llama_folder, tmp_path / "bare")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (bare / name).unlink()
    with refused(INVALID, str(bare), "tokenizer cannot be loaded"):
        run.tokenizer.Tokenize(tokens.TokenizeRequest(base=str(bare), texts=["w1"]))
