# NCCL's test over all pods of a Job, with mpirun and ssh, as on the image's page:
# https://github.com/aws/deep-learning-containers/blob/main/docs/pytorch/deployment/ec2.md
# Arguments: the name of the Job and its service, the number of pods, the GPUs in each.
set -euo pipefail
name=$1 pods=$2 gpus=$3
port=2222 hosts=/tmp/hosts log=/tmp/log over=/tmp/over
login=(ssh -p "$port" -o ConnectTimeout=5 -o StrictHostKeyChecking=no)

# The image has root's key, the same in all of its containers.
mkdir -p /var/run/sshd
ssh-keygen -A > /dev/null
/usr/sbin/sshd -p "$port"
if [[ $JOB_COMPLETION_INDEX != 0 ]]; then
  until [[ -e $over ]]; do sleep 1; done
  exit 0
fi

for (( index = 0; index < pods; index++ )); do
  echo "$name-$index.$name slots=$gpus" >> "$hosts"
done
let_them_end() {
  while read -r host _; do "${login[@]}" -n "$host" touch "$over" || true; done < "$hosts"
}
trap let_them_end EXIT
while read -r host _; do
  until "${login[@]}" -n "$host" true 2> /dev/null; do sleep 2; done
done < "$hosts"
echo "all $pods pods are up"

status=0
/opt/amazon/openmpi/bin/mpirun -np $(( pods * gpus )) -N "$gpus" --hostfile "$hosts" \
  --bind-to none --mca plm_rsh_args "-p $port" --mca pml ^cm,ucx --mca btl tcp,self \
  --mca btl_tcp_if_exclude lo -x PATH -x LD_LIBRARY_PATH -x NCCL_DEBUG=INFO ${FI_PROVIDER:+-x FI_PROVIDER} \
  /usr/local/bin/all_reduce_perf -b 8M -e 4G -f 2 -g 1 -c 1 -n 20 > "$log" 2>&1 || status=$?
if (( status )); then
  tail -n 40 "$log"
  exit "$status"
fi
# Each of NCCL's lines once, whichever rank printed it; then the test's own table.
grep -hoE 'NET/OFI Selected provider is .*|Using network .*' "$log" | sort -u || true
grep -E '^(#| +[0-9])' "$log"
