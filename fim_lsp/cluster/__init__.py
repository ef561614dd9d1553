"""The endpoint of http/ on many machines. The only importer of ray, and that in `application` and `running` alone.

client ─▶ Ray's proxy ─▶ Gateway: token, rate, shape ──session──▶ DecoderReplica: one core, one model, one thread
                         any of them                    the same again while it lives, else the next on the ring
"""
