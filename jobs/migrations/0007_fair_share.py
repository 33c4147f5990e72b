"""What was called a turn has the field's word now: a fair share."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0006_messages'),
    ]

    # Django renames a field in the rows, but not in an index that names it.
    operations = [
        migrations.RemoveIndex('job', 'job_next'),
        migrations.RemoveConstraint('turn', 'turn_key_queue'),
        migrations.RenameModel('Turn', 'FairShare'),
        migrations.RenameField('job', 'turn', 'fair_share'),
        migrations.AddIndex('job', models.Index(condition=models.Q(('status', 'queued')), fields=['fair_share', '-priority', 'id'], name='job_next')),
        migrations.AddConstraint('fairshare', models.UniqueConstraint(fields=['key', 'queue'], name='fair_share_key_queue')),
        migrations.RenameIndex('fairshare', new_name='fair_share_next', old_name='turn_next'),
    ]
