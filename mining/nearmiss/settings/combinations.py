"""Settings that need another one beside them, and settings that another one leaves without effect."""

from collections.abc import Collection, Iterator

from nearmiss.errors import RecipeError
from nearmiss.settings.field_rules import flag
from nearmiss.settings.model_training import Training, Trial
from nearmiss.settings.policy import Policy
from nearmiss.settings.recipe import LATE_INTERACTION, Mining
from nearmiss.settings.served_models import SERVED_ENCODERS
from nearmiss.settings.source_names import source_name


def check_together(recipe: Mining, policy: Policy | None) -> None:
    """Raise RecipeError where a policy needs what the recipe does not mine, before hours of mining."""
    if policy is None:
        return
    names = [source_name(source) for source in recipe.sources]
    for source, _ in policy.quota:
        if source not in names:
            raise RecipeError(f"--quota: wanted one of {', '.join(names)}; found {source!r}")
    if policy.different_cluster and not recipe.clusters:
        raise RecipeError("--different-cluster: wanted --clusters N beside it; found none")


# The settings that are measured from the positive's score.
_FROM_THE_ANCHOR = ("absolute_margin", "relative_margin", "absolute_floor", "relative_floor")


def check_read(recipe: Mining | Policy | Trial | Training, named: Collection[str]) -> None:
    """
    Raise RecipeError for a setting among those `named` that has no effect because of another setting.

    Settings taken over from the round before may have no effect: nobody named them for this one.
    """
    for name, why, cure in _unread(recipe):
        value = getattr(recipe, name)
        if name in named and value and value != getattr(type(recipe), name):
            raise RecipeError(f"{flag(name)}: wanted none, since {why}; found {value!r}. {cure}, or leave it out")


def _unread(recipe: Mining | Policy | Trial | Training) -> Iterator[tuple[str, str, str]]:
    """Each setting that would have no effect, why, and what would make it count."""
    if isinstance(recipe, Trial | Training):
        if recipe.student == "adapter":
            yield "max_length", "the adapter learns from the run's vectors and reads no text", "Add --student encoder"
        return
    if isinstance(recipe, Policy):
        if all(getattr(recipe, name) is None for name in _FROM_THE_ANCHOR):
            yield "anchor", "no margin or floor starts from it", "Add --relative-margin 0.05"
        if recipe.sampling != "simans":
            for name in ("simans_a", "simans_b"):
                yield name, f"the sampling is {recipe.sampling}", "Add --sampling simans"
        return
    if recipe.encoder.partition(":")[0] not in SERVED_ENCODERS:
        yield "dimensions", "the encoder runs here", "Add --encoder openai:MODEL@URL"
    if recipe.document_vectors:
        for name in ("encoder", "query_prompt", "document_prompt", "max_length", "token_disk"):
            yield name, "vectors are given in the encoder's place", 'Add --document-vectors "" --query-vectors ""'
    if recipe.teacher == LATE_INTERACTION:
        yield "teacher_prompt", f"the teacher {LATE_INTERACTION} takes none", "Name a cross-encoder with --teacher"
    else:
        yield "token_disk", f"the teacher is not {LATE_INTERACTION}", f"Add --teacher {LATE_INTERACTION}"
    if not recipe.teacher:
        for name in ("teacher_prompt", "teacher_max_length", "teacher_depth"):
            yield name, "there is no teacher", "Name one with --teacher"
    if "sparse" not in recipe.sources:
        yield "sparse_encoder", "`sparse` is not among the sources", "Add --source sparse"
    if "bm25" not in recipe.sources:
        yield "language", "`bm25`, which reads it, is not among the sources", "Add --source bm25"
    if "dense" not in recipe.sources:
        for name in ("index", "search_memory"):
            yield name, "`dense`, which reads it, is not among the sources", "Add --source dense"
    elif recipe.index != "exact":
        yield "search_memory", f"the index is {recipe.index}", "Add --index exact"
