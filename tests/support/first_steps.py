"""The first steps of a recorded run, once more."""

from cnnbook.experiments.run import one_thread, prepare


def first_losses(experiment: str, variant: str, side: str, seed: int, steps: int) -> list[float]:
    """The losses of a run's first steps: does a recorded run still come out alike?"""

    class Stop:
        def on_step(self, model, step, logs):
            if step + 1 == steps:
                raise KeyboardInterrupt

    with one_thread():
        setting, images, _, trainer = prepare(experiment, variant, side, seed)
        settings = {"epochs": 1, "batch_size": setting.batch_size, "seed": seed}
        return trainer.fit(*images.train, **settings, callbacks=[Stop()]).steps["loss"]
