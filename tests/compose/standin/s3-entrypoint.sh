#!/bin/bash
# One-container Ceph (mon, osd on memstore, RADOS gateway): a real S3 API that forgets all on stop.
# Keys come from the secret files; the bucket cronhouse is made when the gateway answers.
set -euo pipefail
port=8333 access=$(cat /run/secrets/s3_access_key) secret=$(cat /run/secrets/s3_secret_key)
fsid=7c1d6ad0-3c0e-4a9c-9d1a-0f5a5a5a5a5a mons='[v2:127.0.0.1:3300,v1:127.0.0.1:6789]' me=client.rgw.local
cat >/etc/ceph/ceph.conf <<C
[global]
fsid = $fsid
mon_host = $mons
public_network = 127.0.0.0/8
osd_objectstore = memstore
memstore_device_bytes = 1073741824
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
log_file = /dev/null
mon_cluster_log_file = /dev/null
rgw_frontends = beast port=$port
[client]
keyring = /etc/ceph/ceph.\$name.keyring
C
if [ ! -e /var/lib/ceph/mon/ceph-a ]; then
  mkdir -p /var/lib/ceph/mon/ceph-a /var/lib/ceph/osd/ceph-0 /var/run/ceph
  key() { ceph-authtool "$@" >/dev/null; }
  key --create-keyring /tmp/k --gen-key -n mon. --cap mon 'allow *'
  key --create-keyring /etc/ceph/ceph.client.admin.keyring --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *'
  key /tmp/k --import-keyring /etc/ceph/ceph.client.admin.keyring
  monmaptool --create --fsid $fsid --addv a "$mons" /tmp/monmap >/dev/null
  ceph-mon --mkfs -i a --monmap /tmp/monmap --keyring /tmp/k >/tmp/log 2>&1
fi
ceph-mon -i a >>/tmp/log 2>&1
uuid=$(uuidgen); ceph osd new "$uuid" >/dev/null
ceph auth get-or-create osd.0 mon 'allow profile osd' osd 'allow *' >/var/lib/ceph/osd/ceph-0/keyring
ceph auth get-or-create $me mon 'allow *' osd 'allow *' >/etc/ceph/ceph.$me.keyring
{ ceph-osd -i 0 --mkfs --osd-uuid "$uuid"; ceph-osd -i 0; } >>/tmp/log 2>&1
{ ceph osd crush add-bucket h host; ceph osd crush move h root=default; ceph osd crush add osd.0 1 host=h; } >>/tmp/log 2>&1
radosgw-admin -n $me user create --uid=app --display-name=app --access-key="$access" --secret-key="$secret" >/dev/null
(
  until curl -fsS -o /dev/null -X PUT --aws-sigv4 aws:amz:us-east-1:s3 --user "$access:$secret" \
    "http://127.0.0.1:$port/cronhouse" 2>/dev/null; do sleep 0.5; done
  touch /tmp/ready
  echo "S3 on port $port, bucket cronhouse"
) &
exec radosgw --no-mon-config -n $me -f
