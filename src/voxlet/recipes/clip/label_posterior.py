"""The aggregated posterior of each label in the latent space, as a mixture of normal distributions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlet.errors import RunError
from voxlet.extras import import_extra
from voxlet.training.run import GO_ON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MOST_COMPONENTS = 8
CLIPS_PER_COMPONENT = 12  # fewer say nothing about a component's shape
SMALLEST_VARIANCE = 1e-4  # the prior's is 1


@dataclass(frozen=True)
class LabelPosterior:
    """A mixture of K normal distributions in Z dimensions for each of C labels.

    Attributes:
        weights: (C, K), each row adding up to 1; 0 where a label needs fewer components.
        means: (C, K, Z).
        factors: (C, K, Z, Z) lower-triangular; a component's covariance is its factor times its transpose.
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    factors: NDArray[np.float64]

    def draw(self, label: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """One latent (Z,) of a label: `generator` draws a component, then a point from it."""
        component = generator.choice(self.weights.shape[1], p=self.weights[label])
        noise = generator.standard_normal(self.means.shape[2])
        drawn: NDArray[np.float64] = self.means[label, component] + self.factors[label, component] @ noise
        return drawn

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """The arrays by name, as `from_arrays` takes them."""
        return {"weights": self.weights, "means": self.means, "factors": self.factors}


def from_arrays(arrays: Mapping[str, NDArray[np.float64]], *, where: object) -> LabelPosterior:
    """The posterior with these arrays.

    Raises:
        RunError: An array is missing, their shapes do not fit together, or they are not a mixture.
    """
    try:
        weights, means, factors = arrays["weights"], arrays["means"], arrays["factors"]
        sizes = (*means.shape, means.shape[2])
    except (KeyError, IndexError) as error:
        raise RunError(f"holds no posterior ({error})", where=where, remedy=GO_ON) from error
    if factors.shape != sizes or weights.shape != sizes[:2]:
        raise RunError("holds a posterior whose arrays do not fit together", where=where, remedy=GO_ON)
    finite = all(bool(np.isfinite(array).all()) for array in (weights, means, factors))
    if not finite or weights.min() < 0 or not np.allclose(weights.sum(axis=1), 1):
        raise RunError("holds a posterior that is not a mixture", where=where, remedy=GO_ON)
    return LabelPosterior(weights, means, factors)


def fit_posterior(
    latents: NDArray[np.float64], labels: NDArray[np.int64], label_count: int, *, seed: int = 0
) -> LabelPosterior:
    """Fit each label's mixture on the latents (B, Z) of its training clips, one draw of q(z | clip) per clip.

    The Bayesian information criterion decides on the number of components, and whether their covariances are
    full (tilted components) or diagonal.
    """
    mixture: Any = import_extra("sklearn.mixture", "train").GaussianMixture
    size = latents.shape[1]
    posterior = LabelPosterior(
        weights=np.zeros((label_count, MOST_COMPONENTS)),
        means=np.zeros((label_count, MOST_COMPONENTS, size)),
        factors=np.zeros((label_count, MOST_COMPONENTS, size, size)),
    )
    for label in range(label_count):
        own = latents[labels == label]
        if len(own) < 2:
            # A single clip is reproduced as it was; a label without clips is drawn from the prior.
            posterior.weights[label, 0] = 1.0
            posterior.means[label, 0] = own[0] if len(own) else 0.0
            posterior.factors[label, 0] = np.eye(size) * (SMALLEST_VARIANCE**0.5 if len(own) else 1.0)
            continue
        fitted = []
        for count in range(1, min(MOST_COMPONENTS, max(1, len(own) // CLIPS_PER_COMPONENT)) + 1):
            for shape in ("full", "diag"):
                model = mixture(count, covariance_type=shape, reg_covar=SMALLEST_VARIANCE, random_state=seed)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of no convergence: another fit is chosen then
                    fitted.append(model.fit(own))
        best = min(fitted, key=lambda model: float(model.bic(own)))
        count = len(best.weights_)
        tilted = best.covariance_type == "full"
        covariances = best.covariances_ if tilted else [np.diag(row) for row in best.covariances_]
        posterior.weights[label, :count] = best.weights_ / best.weights_.sum()
        posterior.means[label, :count] = best.means_
        posterior.factors[label, :count] = np.linalg.cholesky(np.asarray(covariances))
    return posterior
