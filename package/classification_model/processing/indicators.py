"""feature-engine's missing indicator and one-hot encoder, with names that no other column has.

Without this, the indicator ``age_na`` would replace a column of that name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from feature_engine.encoding import OneHotEncoder
from feature_engine.imputation import AddMissingIndicator

if TYPE_CHECKING:
    from collections.abc import Iterable


class MissingIndicator(AddMissingIndicator):
    """`AddMissingIndicator` whose columns, called ``<variable>_na``, end in ``_`` where that name is taken."""

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return `X` with a column of 0 and 1 for each variable that had gaps in training."""
        X = self._transform(X)
        flags: pd.DataFrame = X[self.variables_].isna().astype("int8")
        return pd.concat([X, flags.set_axis(self._get_new_features_name(), axis=1)], axis=1)

    def _get_new_features_name(self) -> list[str]:
        return free_names(super()._get_new_features_name(), self.feature_names_in_)


class OneHot(OneHotEncoder):
    """`OneHotEncoder` whose columns, called ``<variable>_<category>``, end in ``_`` where that name is taken."""

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return `X` with columns of 0 and 1 instead of the categories; an unseen category is 0 in all of them."""
        X = self._check_transform_input_and_state(X)
        flags = [
            (X[variable] == category).to_numpy(dtype=np.int64)
            for variable in self.variables_
            for category in self.encoder_dict_[variable]
        ]
        new = pd.DataFrame(dict(zip(self._get_new_features_name(), flags, strict=True)), index=X.index)
        rest: pd.DataFrame = X.drop(columns=self.variables_)
        return pd.concat([rest, new], axis=1)

    def _get_new_features_name(self) -> list[str]:
        return free_names(super()._get_new_features_name(), self.feature_names_in_)


def free_names(wanted: Iterable[str], taken: Iterable[str]) -> list[str]:
    """Append ``_`` to each wanted name until it is neither taken nor given to one before it."""
    known = set(taken)
    names = []
    for wish in wanted:
        name = wish
        while name in known:
            name += "_"
        known.add(name)
        names.append(name)
    return names
