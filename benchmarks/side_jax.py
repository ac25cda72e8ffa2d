"""JAX, compiled, channels last: the same networks and convolutions. Needs nothing but jax and NumPy."""

import itertools
import os

if os.environ.get("OMP_NUM_THREADS") == "1":
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

LAYOUT = ("NHWC", "HWIO", "NHWC")


def versions():
    return {"jax": jax.__version__}


def conv(x, kernel, strides=1):
    return lax.conv_general_dilated(x, kernel, (strides, strides), "SAME", dimension_numbers=LAYOUT)


def pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def parameters(name, rng):
    def draw(*shape):
        return (rng.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]))).astype(np.float32)

    def zeros(n):
        return np.zeros(n, np.float32)

    if name == "small_cnn":
        convs = [(draw(5, 5, 1, 6), zeros(6)), (draw(5, 5, 6, 6), zeros(6))]
        return {"convs": convs, "dense": [(draw(14 * 14 * 6, 10), zeros(10))]}
    sizes = [(784 if name == "mlp" else 7 * 7 * 32), 256, 128, 10]
    dense = [(draw(*pair), zeros(pair[1])) for pair in itertools.pairwise(sizes)]
    blocks = [
        (draw(3, 3, c, f), zeros(f), zeros(f) + 1, zeros(f))
        for c, f in ((1, 16), (16, 32))
        if name == "fashion_cnn"
    ]
    return {"blocks": blocks, "dense": dense}


def outputs(name, params, state, x, key, training):
    """Logits and the new moving statistics."""
    x = x / 255 - 0.5 if name == "small_cnn" else x / 255
    new = []
    for kernel, bias in params.get("convs", []):
        x = jax.nn.relu(conv(x, kernel) + bias)
    x = pool(x) if name == "small_cnn" else x
    for index, (kernel, bias, gamma, beta) in enumerate(params.get("blocks", [])):
        z, (mean, variance) = conv(x, kernel) + bias, state[index]
        if training:
            batch_mean, batch_variance = z.mean((0, 1, 2)), z.var((0, 1, 2))
            new.append((0.99 * mean + 0.01 * batch_mean, 0.99 * variance + 0.01 * batch_variance))
            mean, variance = batch_mean, batch_variance
        x = pool(jax.nn.relu((z - mean) * lax.rsqrt(variance + 1e-3) * gamma + beta))
    x = x.reshape(len(x), -1)
    *hidden, last = params["dense"]
    for kernel, bias in hidden:
        x = jax.nn.relu(x @ kernel + bias)
    if training and hidden:
        x = x * jax.random.bernoulli(key, 0.5, x.shape) * 2
    return x @ last[0] + last[1], new


def prepare(part, case):
    rng = np.random.default_rng(0)
    if case.kind == "layer":
        return layer_step(case, rng)
    name, held = case.what, {}
    params = jax.tree.map(jnp.asarray, parameters(name, rng))
    x = jnp.asarray((255 * rng.random((case.batch, 28, 28, 1))).astype(np.float32))
    y = jnp.asarray(rng.integers(0, 10, case.batch))
    state = [(jnp.zeros(f), jnp.ones(f)) for f in (16, 32)] if name == "fashion_cnn" else []
    key = jax.random.key(0)
    if case.kind == "infer":
        answer = jax.jit(lambda params, x: outputs(name, params, state, x, key, False)[0])
        return lambda: np.asarray(answer(params, x))

    def loss(params, state, key):
        logits, new = outputs(name, params, state, x, key, True)
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean(), new

    @jax.jit
    def train_step(params, squares, state, key):
        key, mask_key = jax.random.split(key)
        (value, new), grads = jax.value_and_grad(loss, has_aux=True)(params, state, mask_key)
        if name == "small_cnn":
            return jax.tree.map(lambda p, g: p - 0.005 * g, params, grads), squares, new, key, value
        squares = jax.tree.map(lambda s, g: 0.9 * s + 0.1 * g * g, squares, grads)
        params = jax.tree.map(
            lambda p, g, s: p - 0.001 * g / jnp.sqrt(s + 1e-7), params, grads, squares
        )  # fmt: skip
        return params, squares, new, key, value

    held["all"] = params, jax.tree.map(jnp.zeros_like, params), state, key

    def step():
        *held["all"], value = train_step(*held["all"])
        return float(value)

    return step


def layer_step(case, rng):
    what = case.what
    (height, width, channels), size = what["image"], what["kernel_size"]
    strides = what.get("strides", 1)
    x = jnp.asarray(rng.standard_normal((case.batch, height, width, channels), np.float32))
    kernel = jnp.asarray(rng.standard_normal((size, size, channels, what["filters"]), np.float32))
    shape = conv(x, kernel, strides).shape
    dout = jnp.asarray(rng.standard_normal(shape).astype(np.float32))

    @jax.jit
    def there_and_back(x, kernel, dout):
        if what.get("first"):
            out, back = jax.vjp(lambda kernel: conv(x, kernel, strides), kernel)
        else:
            out, back = jax.vjp(lambda x, kernel: conv(x, kernel, strides), x, kernel)
        return out, back(dout)

    return lambda: jax.block_until_ready(there_and_back(x, kernel, dout))
