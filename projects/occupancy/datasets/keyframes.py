"""How keyframes are found: by token, and before a sample. For models with memory."""

import numpy as np


class KeyframesMixin:
    """Mixin for a data set whose items have ``token`` and ``prev``, and which has ``frame(idx)`` and ``_item(idx)``.

    Put it before the data set class, and before ``NamedItemsMixin``, which finds the tokens.
    """

    def frame_of(self, token: str) -> dict:
        """The frame of a token; see :meth:`frame`.

        Raises:
            KeyError: If the data set does not hold the sample.
        """
        return self.frame(self.index_of(token))

    def former_token(self, idx: int) -> str:
        """Token of the keyframe before a sample, '' at the start of a scene.

        Raises:
            KeyError: If the info file does not say which sample it is.
        """
        return self._token_beside(idx, 'prev')

    def _token_beside(self, idx: int, side: str) -> str:
        """Token of the keyframe on one side ('prev' or 'next') of a sample, '' where the scene ends there."""
        info = self._item(idx)
        if info.get(side) is None:
            place = {'prev': 'before', 'next': 'after'}[side]
            raise KeyError(
                f'info of sample {info["token"]} in {self.ann_file} does not say which sample is {place} it ({side}); '
                'write the file again with tools/create_data.py occ3d-nus --force'
            )
        return info[side]

    def previous(self, idx: int) -> dict | None:
        """The frame of the keyframe before a sample, or None at the start of a scene.

        It has one key more than :meth:`frame`: ``ego2key`` (4, 4), which leads from the ego frame of the former
        keyframe to that of the sample, without ``bda_mat``.

        Raises:
            KeyError: If the info file does not say which sample is the former one, or the data set does not hold it.
        """
        token = self.former_token(idx)
        if not token:
            return None
        try:
            place = self.index_of(token)
        except KeyError as error:
            sample = self._item(idx)['token']
            raise KeyError(f'the sample before {sample} is missing: {error.args[0]}') from error
        former, key = self.frame(place), self.frame(idx)
        return {**former, 'ego2key': np.linalg.inv(key['ego2global']) @ former['ego2global']}

    def former_frames(self, key: dict, count: int) -> list[dict]:
        """Keyframes before a sample, the latest first, always ``count`` of them.

        Where the scene begins, or the data set does not hold the keyframe before (a dropped frame, a part of the
        samples), the history ends, and the present frame stands in for what is missing. Poses are those of the info
        file, so a keyframe that was left out between two others only makes the way between them longer.

        Returns:
            list[dict]: Frames, each with ``ego2key`` (4, 4), which leads from its ego frame to that of the sample
            without ``bda_mat``, and ``is_former``: False where it is the present frame again.

        Raises:
            KeyError: If the info file does not say which samples are before others.
        """
        global2key, frame, found = np.linalg.inv(key['ego2global']), key, []
        while len(found) < count:
            token = self.former_token(frame['sample_idx'])
            if not token or not self.holds(token):
                break
            frame = self.frame_of(token)
            found.append({**frame, 'ego2key': global2key @ frame['ego2global'], 'is_former': True})
        return found + [{**key, 'ego2key': np.eye(4), 'is_former': False}] * (count - len(found))

    def neighbour_frames(self, key: dict, count: int) -> list[dict]:
        """Keyframes before a sample, the latest first, then those after it, the earliest first.

        A side ends with the scene, or where the data set does not hold the next keyframe.

        Args:
            key (dict): The frame of the sample.
            count (int): Number of frames on each side.

        Returns:
            list[dict]: Frames, each with ``ego2key`` (4, 4), which leads from its ego frame to that of the sample
            without ``bda_mat``. At most twice ``count``, and none in a scene of one keyframe.

        Raises:
            KeyError: If the info file does not say which samples are beside others.
        """
        global2key, found = np.linalg.inv(key['ego2global']), []
        for side in ('prev', 'next'):
            frame = key
            for _ in range(count):
                token = self._token_beside(frame['sample_idx'], side)
                if not token or not self.holds(token):
                    break
                frame = self.frame_of(token)
                found.append({**frame, 'ego2key': global2key @ frame['ego2global']})
        return found
