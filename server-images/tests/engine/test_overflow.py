"""Steps that would leave numbers that nothing can be computed with: refused whole, before anything is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from device import DEVICE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plain_model import ignore_progress, make_batch, prompted_rows, randomised
from torch.optim.optimizer import register_optimizer_step_post_hook

from drpo_server.engine.engine import Engine
from drpo_server.engine.model import Model
from drpo_server.engine.types import AdamW, CrossEntropy, Head, LoraShape, ModelLoss

BATCH = make_batch(prompted_rows(5))
SPAN = int(BATCH.span_lengths.sum())
SANE = AdamW(1e-2, 0.9, 0.99, 1e-8, 0.0)


@pytest.fixture(scope="module", params=["lora", "full", "bfloat16"])
def engine_and_shape(request: pytest.FixtureRequest) -> tuple[Engine, LoraShape | None]:
    dtype = torch.bfloat16 if request.param == "bfloat16" else torch.float32
    return Engine(DEVICE, dtype), LoraShape(3, 6.0, last_blocks=2) if request.param == "lora" else None


@pytest.fixture(scope="module")
def engine(engine_and_shape: tuple[Engine, LoraShape | None]) -> Engine:
    return engine_and_shape[0]


@pytest.fixture(scope="module")
def shared_model(engine_and_shape: tuple[Engine, LoraShape | None], tiny_llama_folder: Path) -> Model:
    engine, lora = engine_and_shape
    return randomised(
        engine.create_model(name="policy", base=tiny_llama_folder, lora=lora, head=Head.LANGUAGE_MODEL, trainable=True)
    )


@pytest.fixture
def model(engine: Engine, shared_model: Model) -> Model:
    """One step done, so that it has moments, and gradients for the next."""
    first = {name: torch.full_like(tensor, 0.02) for name, tensor in shared_model.state().items()}
    shared_model.load_state(first)
    shared_model.optimizer_step = 0
    add_gradients(engine, shared_model)
    engine.optimizer_step(shared_model, SANE, 1.0)
    add_gradients(engine, shared_model)
    return shared_model


def add_gradients(engine: Engine, model: Model) -> None:
    engine.forward_backward(BATCH, [ModelLoss(model, CrossEntropy(torch.ones(SPAN)))], ignore_progress)


def everything(model: Model) -> dict[str, torch.Tensor]:
    model.weights_changed()
    gradients = {f"{name}.grad": tensor.clone() for name, tensor in model.gradients.items()}
    return {**model.state(), **model.optimizer_state(), **gradients}


def assert_same(before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]) -> None:
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert torch.equal(tensor, after[name]), name


OVERFLOWING = {
    "rate 1e30": (AdamW(1e30, 0.9, 0.99, 1e-8, 0.0), 1.0),
    "rate 1e308": (AdamW(1e308, 0.9, 0.99, 1e-8, 0.0), 1.0),
    "rate 1e30, no clipping": (AdamW(1e30, 0.9, 0.99, 1e-8, 0.0), 0.0),
    "decay 1e30": (AdamW(1.0, 0.9, 0.99, 1e-8, 1e30), 1.0),
    "decay 1e308": (AdamW(1e308, 0.9, 0.99, 1e-8, 1e308), 1.0),
}


@pytest.mark.parametrize("case", OVERFLOWING)
def test_it_changes_nothing_and_names_model_and_tensor(engine: Engine, model: Model, case: str) -> None:
    adamw, clip = OVERFLOWING[case]
    before, version = everything(model), (model.optimizer_step, model.weights_hash())
    with pytest.raises(FloatingPointError, match=r"model 'policy'.*weight.* overflow.*left as they were"):
        engine.optimizer_step(model, adamw, clip)
    assert_same(before, everything(model))
    assert (model.optimizer_step, model.weights_hash()) == version


def test_the_smallest_epsilon_is_refused_where_a_gradient_was_never_seen(engine: Engine, model: Model) -> None:
    """0 / 0 where neither moment has moved, as epsilon is 0 in float32."""
    model.load_state(model.state())
    engine.forward_backward(BATCH, [ModelLoss(model, CrossEntropy(torch.zeros(SPAN)))], ignore_progress)
    before = everything(model)
    with pytest.raises(FloatingPointError, match="overflow"):
        engine.optimizer_step(model, AdamW(1e-2, 0.9, 0.99, 5e-324, 0.0), 1.0)
    assert_same(before, everything(model))


def test_a_step_after_a_refused_one_is_as_if_it_had_not_been_tried(engine: Engine, model: Model) -> None:
    state, moments = model.state(), model.optimizer_state()
    norm = engine.optimizer_step(model, SANE, 0.01)
    expected = everything(model)
    model.load_state(state)
    model.load_optimizer_state(moments)
    add_gradients(engine, model)
    with pytest.raises(FloatingPointError):
        engine.optimizer_step(model, AdamW(1e30, 0.9, 0.99, 1e-8, 0.0), 0.01)
    assert engine.optimizer_step(model, SANE, 0.01) == norm
    assert_same(expected, everything(model))


@pytest.mark.parametrize("clip", [5e-324, 1e-30, 1e308])
def test_any_norm_to_clip_to_leaves_finite_numbers(engine: Engine, model: Model, clip: float) -> None:
    engine.optimizer_step(model, SANE, clip)
    engine.refuse_not_finite(model)


def test_a_step_that_breaks_half_way_leaves_a_version_that_nobody_expects(engine: Engine, model: Model) -> None:
    before, version = everything(model), (model.optimizer_step, model.weights_hash())

    def fail(*_: object) -> None:
        raise MemoryError

    hook = register_optimizer_step_post_hook(fail)
    try:
        with pytest.raises(MemoryError):
            engine.optimizer_step(model, SANE, 1.0)
    finally:
        hook.remove()
    assert (model.optimizer_step, model.weights_hash()) == (version[0] + 1, model.weights_hash())
    assert any(not torch.equal(before[name], tensor) for name, tensor in model.state().items())
    assert model.weights_hash() != version[1]
    assert not model.gradients


positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False, allow_nan=False)
beta = st.one_of(st.just(0.0), st.floats(min_value=0, max_value=1, exclude_max=True))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    adamw=st.builds(AdamW, st.one_of(st.just(0.0), positive), beta, beta, positive, st.one_of(st.just(0.0), positive)),
    clip=st.one_of(st.just(0.0), positive),
)
def test_whatever_the_settings_numbers_stay_finite_or_as_they_were(
    engine: Engine, model: Model, adamw: AdamW, clip: float
) -> None:
    if not model.gradients:
        add_gradients(engine, model)
    before = everything(model)
    step = model.optimizer_step
    try:
        engine.optimizer_step(model, adamw, clip)
    except FloatingPointError:
        assert_same(before, everything(model))
        assert model.optimizer_step == step
        return
    for name, tensor in everything(model).items():
        assert torch.isfinite(tensor).all(), name
    for name, tensor in model.state().items():
        assert torch.isfinite(tensor.float().square()).all(), name
    # From where it was, or the weights grow until nothing passes.
    model.load_state({name: before[name] for name in model.state()})


def test_state_that_is_not_finite_is_named(engine: Engine, model: Model) -> None:
    name = list(model.state())[-1]
    model.load_state({**model.state(), name: torch.full_like(model.state()[name], float("nan"))})
    with pytest.raises(FloatingPointError, match=f"{name} of model 'policy' is not finite"):
        engine.refuse_not_finite(model)


def test_weights_too_large_to_compute_with_are_found(engine: Engine, model: Model) -> None:
    model.load_state({name: torch.full_like(tensor, 1e18) for name, tensor in model.state().items()})
    with pytest.raises(FloatingPointError, match="so large that its logprobs are not finite"):
        engine.refuse_not_finite(model)
