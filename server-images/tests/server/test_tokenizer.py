"""TokenizerService: the base's own tokenizer; texts are data unless a part of them is a template's."""

from __future__ import annotations

import shutil
from pathlib import Path

import grpc
import pytest
from published_bases import FAMILIES
from server_client import RunClient, refused

from drpo_server.proto_gen import tokenizer_service_pb2 as tokens

INVALID = grpc.StatusCode.INVALID_ARGUMENT


def data(text: str) -> tokens.Text:
    return tokens.Text(parts=[tokens.TextPart(text=text)])


def template(text: str) -> tokens.Text:
    return tokens.Text(parts=[tokens.TextPart(text=text, special_tokens=True)])


def test_tokenize_and_detokenize(run: RunClient) -> None:
    texts = [template("w3 w4 <eos>"), data(""), data("w61")]
    answer = run.tokenizer.Tokenize(tokens.TokenizeRequest(base=run.base, texts=texts))
    assert (list(answer.token_ids), list(answer.lengths)) == ([5, 6, 0, 63], [3, 0, 1])
    request = tokens.DetokenizeRequest(base=run.base, token_ids=answer.token_ids, lengths=answer.lengths)
    assert list(run.tokenizer.Detokenize(request).texts) == ["w3 w4 <eos>", "", "w61"]


def test_parts_of_a_text_are_data_or_a_templates(run: RunClient) -> None:
    text = tokens.Text(parts=[*data("w3 <eos> ").parts, *template("<eos> w4").parts])
    answer = run.tokenizer.Tokenize(tokens.TokenizeRequest(base=run.base, texts=[text]))
    assert list(answer.token_ids) == [5, 1, 0, 6]


def test_published_tokenizers_over_the_wire(run: RunClient, tmp_path: Path) -> None:
    FAMILIES["mistral"](tmp_path / "mistral")
    base = str(tmp_path / "mistral")

    def ids(text: str, **options: bool) -> list[int]:
        return list(run.tokenizer.Tokenize(tokens.TokenizeRequest(base=base, texts=[data(text)], **options)).token_ids)

    prompt, response = ids('says "', add_begin_tokens=True), ids(" good", continues=True)
    assert prompt == [1, *ids('says "')]
    rows = tokens.DetokenizeRequest(base=base, token_ids=response, lengths=[len(response)], continues=True)
    assert list(run.tokenizer.Detokenize(rows).texts) == [" good"]
    info = run.tokenizer.GetTokenizerInfo(tokens.GetTokenizerInfoRequest(base=base))
    assert (list(info.begin_token_ids), info.template_reads_clock) == ([1], False)
    assert info.vocabulary_hash != info.tokenizer_hash


def test_a_text_that_continues_has_no_beginning(run: RunClient) -> None:
    request = tokens.TokenizeRequest(base=run.base, texts=[data("w1")], continues=True, add_begin_tokens=True)
    with refused(INVALID, "TokenizeRequest.add_begin_tokens"):
        run.tokenizer.Tokenize(request)


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
    answer = run.tokenizer.ApplyChatTemplate(request)
    assert list(answer.texts) == ["user w1 <eos> assistant ", "user w2 <eos> assistant w3 <eos> assistant "]
    assert list(answer.lengths) == [4, 7]
    assert list(answer.token_ids) == [1, 3, 0, 1, 1, 4, 0, 1, 5, 0, 1]


def test_templates_write_the_time_of_the_request(run: RunClient, tiny_llama_folder: Path, tmp_path: Path) -> None:
    dated = shutil.copytree(tiny_llama_folder, tmp_path / "dated")
    (dated / "chat_template.jinja").write_text("{{ strftime_now('%Y-%m-%d %H:%M') }}")

    def asked(unix_seconds: int) -> tokens.ApplyChatTemplateRequest:
        return tokens.ApplyChatTemplateRequest(
            base=str(dated), chats=[chat(("user", "w1"))], now_unix_seconds=unix_seconds
        )

    assert run.tokenizer.GetTokenizerInfo(tokens.GetTokenizerInfoRequest(base=str(dated))).template_reads_clock
    assert list(run.tokenizer.ApplyChatTemplate(asked(86_400)).texts) == ["1970-01-02 00:00"]
    with refused(INVALID, "now_unix_seconds is 18446744073709551615"):
        run.tokenizer.ApplyChatTemplate(asked(2**64 - 1))


def test_unknown_role(run: RunClient) -> None:
    request = tokens.ApplyChatTemplateRequest(base=run.base, chats=[chat(("user", "w1"), ("robot", "w2"))])
    with refused(INVALID, "chats[0].messages[1].role is 'robot'", "system, user, assistant"):
        run.tokenizer.ApplyChatTemplate(request)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{{ raise_exception('roles must alternate') }}", "roles must alternate"),
        ("{{ messages + 1 }}", "TypeError"),
        ("{{ messages[9].content }}", "UndefinedError"),
    ],
)
def test_template_that_refuses(
    run: RunClient, tiny_llama_folder: Path, tmp_path: Path, content: str, said: str
) -> None:
    strict = shutil.copytree(tiny_llama_folder, tmp_path / "strict")
    (strict / "chat_template.jinja").write_text(content)
    request = tokens.ApplyChatTemplateRequest(base=str(strict), chats=[chat(("user", "w1"))])
    with refused(INVALID, "chats[0]", "refuses these messages", said):
        run.tokenizer.ApplyChatTemplate(request)


def test_base_without_a_template(run: RunClient, tiny_llama_folder: Path, tmp_path: Path) -> None:
    bare = shutil.copytree(tiny_llama_folder, tmp_path / "bare")
    (bare / "chat_template.jinja").unlink()
    request = tokens.ApplyChatTemplateRequest(base=str(bare), chats=[chat(("user", "w1"))])
    with refused(INVALID, "has no chat template"):
        run.tokenizer.ApplyChatTemplate(request)


def test_base_that_is_not_there(run: RunClient, tmp_path: Path) -> None:
    with refused(grpc.StatusCode.NOT_FOUND, str(tmp_path / "nowhere"), "hf download", "gguf_to_safetensors"):
        run.tokenizer.Tokenize(tokens.TokenizeRequest(base=str(tmp_path / "nowhere"), texts=[data("w1")]))


def test_base_without_a_tokenizer(run: RunClient, tiny_llama_folder: Path, tmp_path: Path) -> None:
    bare = shutil.copytree(tiny_llama_folder, tmp_path / "bare")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (bare / name).unlink()
    with refused(INVALID, str(bare), "tokenizer cannot be loaded"):
        run.tokenizer.Tokenize(tokens.TokenizeRequest(base=str(bare), texts=[data("w1")]))
